package main

import (
	"bytes"
	"cmp"
	"debug/buildinfo"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// hello holds programs that send one message.
//
//go:embed hello
var hello embed.FS

// The programs in hello. Those that begin with raw do without this module.
const (
	rawProgram    = "raw"
	rawJSON       = "raw-json"   // with encoding/json
	rawJSONv2     = "raw-jsonv2" // with the second version of encoding/json, as this module has it
	chatworkHello = "chatwork"
	slackHello    = "slack"
)

// A Program is a hello program as it was built.
type Program struct {
	Name     string
	Go       string // the release that built it: "go1.27.4"
	Size     int64  // of the file without symbols, in bytes
	Packages int    // of the standard library too
	Modules  int    // besides its own
}

// programs builds the hello programs in a temporary folder, with each of these releases of Go.
func programs(root string, releases []string) (all []Program, err error) {
	dir, err := os.MkdirTemp("", "hello-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := helloModule(dir, root); err != nil {
		return nil, err
	}
	for _, release := range releases {
		for _, name := range []string{rawProgram, rawJSON, rawJSONv2, chatworkHello, slackHello} {
			p, err := build(dir, name, release)
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	return all, nil
}

// helloModule makes a module of the programs that needs the same as this module's root. Nothing has to be fetched.
func helloModule(dir, root string) error {
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
		}
		if err != nil {
			return err
		}
	}
	const module = "github.com/mackerel-notify/mackerel"
	if _, err := run(dir, "", "mod", "edit", "-module=hello", "-require="+module+"@v0.0.0", "-replace="+module+"="+root); err != nil {
		return err
	}
	entries, err := hello.ReadDir("hello")
	if err != nil {
		return err
	}
	for _, e := range entries {
		b, err := hello.ReadFile("hello/" + e.Name())
		if err != nil {
			return err
		}
		folder := filepath.Join(dir, strings.TrimSuffix(e.Name(), ".go.txt"))
		if err := errors.Join(os.Mkdir(folder, 0o700), os.WriteFile(filepath.Join(folder, "main.go"), b, 0o600)); err != nil {
			return err
		}
	}
	return nil
}

func build(dir, name, release string) (p Program, err error) {
	file := filepath.Join(dir, name+".exe")
	if _, err := run(dir, release, "build", "-trimpath", "-ldflags=-s -w", "-o", file, "./"+name); err != nil {
		return p, err
	}
	packages, err := run(dir, release, "list", "-deps", "./"+name)
	if err != nil {
		return p, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return p, err
	}
	built, err := buildinfo.ReadFile(file)
	if err != nil {
		return p, err
	}
	return Program{name, built.GoVersion, info.Size(), bytes.Count(packages, []byte("\n")), len(built.Deps)}, nil
}

// run runs the go command of a release, that of this program unless one is named.
func run(dir, release string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOTOOLCHAIN="+cmp.Or(release, "local"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out, nil
}
