package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/provision"
)

// A project is an organization and its file.
type project struct {
	client        *mackerel.Client
	file, secrets string
	prune, yes    bool
	lookup        func(string) (string, bool) // of the environment
	out           io.Writer
}

func (p project) run(ctx context.Context, command string) error {
	switch command {
	case "pull":
		return p.pull(ctx)
	case "plan":
		_, err := p.plan(ctx)
		return err
	case "apply":
		return p.apply(ctx)
	}
	return fmt.Errorf("the command must be pull, plan or apply, not %q", command)
}

// pull writes both files. It does not replace a file, because edits would be lost.
func (p project) pull(ctx context.Context) error {
	for _, name := range []string{p.file, p.secrets} {
		if _, err := os.Lstat(name); err == nil {
			return fmt.Errorf("%s exists already: move it away, or name other files with -file and -secrets", name)
		}
	}
	pulled, err := provision.Pull(ctx, p.client)
	if err != nil {
		return err
	}
	content, err := pulled.Settings.Write()
	if err != nil {
		return err
	}
	if err := create(p.file, content); err != nil {
		return err
	}
	s := pulled.Settings
	p.printf("%s has %d channels and %d groups\n", p.file, len(s.Channels), len(s.NotificationGroups))
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(pulled.Secrets)) {
		lines.WriteString(name + "=" + pulled.Secrets[name].Reveal() + "\n")
	}
	if err := create(p.secrets, []byte(lines.String())); err != nil {
		return err
	}
	p.printf("%s has the URLs, and only you can read it\n", p.secrets)
	return nil
}

// create writes a file that does not exist yet, which only its owner can read.
func create(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the user's own choice
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// plan prints what would change. An error of the file has its lines.
func (p project) plan(ctx context.Context) (*provision.Plan, error) {
	content, err := os.ReadFile(p.file)
	if err != nil {
		return nil, err
	}
	urls, err := p.urls()
	if err != nil {
		return nil, err
	}
	settings, err := provision.Read(content, func(name string) (string, bool) {
		if value, ok := p.lookup(name); ok {
			return value, true
		}
		value, ok := urls[name]
		return value, ok
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.file, err)
	}
	plan, err := provision.Compare(ctx, p.client, settings, provision.Options{Prune: p.prune})
	if err != nil {
		return nil, err
	}
	p.printf("%s", plan)
	return plan, nil
}

// urls reads the file of the URLs, if the file exists. A line that is wrong is named, and not quoted.
func (p project) urls() (map[string]string, error) {
	content, err := os.ReadFile(p.secrets)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all, n := make(map[string]string), 0
	for line := range strings.Lines(string(content)) {
		n++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if !found {
			return nil, fmt.Errorf("%s: line %d: must be NAME=value", p.secrets, n)
		}
		all[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return all, nil
}

// apply prints the plan, and makes it true if it may.
func (p project) apply(ctx context.Context) error {
	plan, err := p.plan(ctx)
	if err != nil || len(plan.Changes) == 0 {
		return err
	}
	if !p.yes {
		p.printf("nothing was changed; with -yes it is\n")
		return nil
	}
	err = plan.Apply(ctx)
	var stopped *provision.ApplyError
	if errors.As(err, &stopped) {
		for _, c := range stopped.Done {
			p.printf("done: %v\n", c)
		}
		for _, c := range stopped.Left {
			p.printf("not tried: %v\n", c)
		}
	}
	if err != nil {
		return err
	}
	p.printf("applied\n")
	return nil
}

func (p project) printf(format string, args ...any) { fmt.Fprintf(p.out, format, args...) }
