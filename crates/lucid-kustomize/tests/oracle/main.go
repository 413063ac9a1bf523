// The build command of kustomize 5.8.2, asked many times in one process.
//
// Each line of the input is one question, as JSON: the files of a tree, the folder to build, and flags. Each line of
// the output is its answer. The command's own code runs on real files, so an answer is what the program would have
// printed; what is saved is the start of a process for each tree.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kustomize/v5/commands/build"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

type question struct {
	Files  []file   `json:"files"`
	Folder string   `json:"folder"`
	Flags  []string `json:"flags"`
}

type file struct {
	Path    string `json:"path"`
	Content []byte `json:"content"`
}

type answer struct {
	Built bool   `json:"built"`
	Text  []byte `json:"text"`
}

func main() {
	log.SetOutput(io.Discard)
	questions := bufio.NewReaderSize(os.Stdin, 1<<20)
	answers := json.NewEncoder(os.Stdout)
	// kustomize prints warnings to the process's own streams.
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	check(err)
	os.Stdout, os.Stderr = null, null
	for {
		line, err := questions.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		check(err)
		var q question
		check(json.Unmarshal(line, &q))
		check(answers.Encode(ask(q)))
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func mentions(q question, word string) bool {
	for _, f := range q.Files {
		if bytes.Contains(f.Content, []byte(word)) {
			return true
		}
	}
	return false
}

func ask(q question) (a answer) {
	root, err := os.MkdirTemp("", "oracle")
	check(err)
	defer os.RemoveAll(root)
	root, err = filepath.EvalSymlinks(root)
	check(err)
	for _, f := range q.Files {
		path := filepath.Join(root, f.Path)
		check(os.MkdirAll(filepath.Dir(path), 0o755))
		check(os.WriteFile(path, f.Content, 0o644))
	}
	defer func() {
		if reason := recover(); reason != nil {
			a = answer{Text: []byte(fmt.Sprintf("panic: %v", reason))}
		}
	}()
	if mentions(q, "openapi") {
		// A process of its own starts with the built-in schema.
		openapi.ResetOpenAPI()
		defer openapi.ResetOpenAPI()
	}
	var out bytes.Buffer
	command := build.NewCmdBuild(filesys.MakeFsOnDisk(), build.MakeHelp("kustomize", "build"), &out)
	command.SetArgs(append(q.Flags, filepath.Join(root, q.Folder)))
	command.SetOut(io.Discard)
	command.SetErr(io.Discard)
	command.SilenceErrors = true
	if err := command.Execute(); err != nil {
		text := strings.ReplaceAll(err.Error(), root+"/", "")
		return answer{Text: []byte("Error: " + strings.ReplaceAll(text, root, ".") + "\n")}
	}
	// One transformer prints the folder's name, which is a different one each time.
	text := bytes.ReplaceAll(out.Bytes(), []byte(filepath.Base(root)), []byte("."))
	return answer{Built: true, Text: text}
}
