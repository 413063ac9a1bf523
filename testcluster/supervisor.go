// supervisor starts the components of one cluster in order, keeps them, and stops them newest first.
//
// It is the process that holds the cluster's network namespace. Its children die with it, however it dies, and the
// namespace ends with the last of them: nothing can be left over.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// Plan is what `cargo xtask cluster up` writes for the supervisor.
type Plan struct {
	// Dir receives the logs, `progress` and `components.json`.
	Dir string `json:"dir"`
	// UntilEOF stops the cluster when standard input ends: it lives no longer than the process that holds the pipe.
	UntilEOF bool   `json:"untilEof"`
	Steps    []Step `json:"steps"`
}

// Step is a command that ends (Run) or a component that stays (Start).
type Step struct {
	Name  string   `json:"name"`
	Run   []string `json:"run,omitempty"`
	Start []string `json:"start,omitempty"`
	// Ready is a URL that answers 200 when the component serves. The step after it waits for that.
	Ready string `json:"ready,omitempty"`
	// Within bounds the step, in seconds.
	Within int `json:"within"`
}

func runSupervisor() int {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: supervisor PLAN")
		return 2
	}
	// The kernel sends a child its parent-death signal when the *thread* that started it ends.
	runtime.LockOSThread()
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	if err := supervise(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "supervisor:", err)
		return 1
	}
	return 0
}

func supervise(path string) error {
	plan, err := readPlan(path)
	if err != nil {
		return err
	}
	progress, err := os.OpenFile(filepath.Join(plan.Dir, "progress"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer progress.Close()
	stop := stopRequested(plan.UntilEOF)
	crew := &crew{dir: plan.Dir, progress: progress}
	defer crew.stop()
	for _, step := range plan.Steps {
		began := time.Now()
		if err := crew.take(step, stop); err != nil {
			fmt.Fprintf(progress, "failed %s: %v\n", step.Name, err)
			return fmt.Errorf("%s: %w", step.Name, err)
		}
		fmt.Fprintf(progress, "done %s %d\n", step.Name, time.Since(began).Milliseconds())
	}
	fmt.Fprintln(progress, "ready")
	<-stop
	return nil
}

func readPlan(path string) (*Plan, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	plan := &Plan{}
	if err := json.Unmarshal(raw, plan); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return plan, nil
}

// stopRequested is closed on SIGTERM or SIGINT and, when asked for, at the end of standard input.
func stopRequested(untilEOF bool) <-chan struct{} {
	stop := make(chan struct{})
	ask := make(chan os.Signal, 2)
	signal.Notify(ask, syscall.SIGTERM, syscall.SIGINT)
	if untilEOF {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			ask <- syscall.SIGTERM
		}()
	}
	go func() {
		<-ask
		close(stop)
	}()
	return stop
}
