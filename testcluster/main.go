// One program that is every component of the test cluster: it runs the one whose name it was started under.
//
// One binary links the packages that the components share once, so it builds in minutes and not in half an hour.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// program is what a component does once os.Args looks as if it had been started under its own name.
type program func() int

var programs = map[string]program{
	"etcd":                    runEtcd,
	"healthd":                 runHealthd,
	"kube-apiserver":          runAPIServer,
	"kube-controller-manager": runControllerManager,
	"kube-proxy":              runProxy,
	"kube-scheduler":          runScheduler,
	"kubectl":                 runKubectl,
	"kubelet":                 runKubelet,
	"pki":                     runPKI,
	"supervisor":              runSupervisor,
}

func main() {
	run, ok := choose()
	if !ok {
		fmt.Fprintf(os.Stderr, "usage: %s COMPONENT [FLAGS], where COMPONENT is one of %s\n",
			filepath.Base(os.Args[0]), strings.Join(names(), ", "))
		os.Exit(2)
	}
	os.Exit(run())
}

// choose finds the component by the name of the program or, failing that, by the first argument, which it takes away.
func choose() (program, bool) {
	if run, ok := programs[filepath.Base(os.Args[0])]; ok {
		return run, true
	}
	if len(os.Args) < 2 {
		return nil, false
	}
	run, ok := programs[os.Args[1]]
	if ok {
		os.Args = os.Args[1:]
	}
	return run, ok
}

func names() []string {
	var all []string
	for name := range programs {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}
