package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain is also the main function of the server.
func TestMain(m *testing.M) {
	if os.Getenv(serverProcess) != "" {
		exit(serve())
	}
	os.Exit(m.Run())
}

func TestQuantilesLieBetweenValues(t *testing.T) {
	if got, want := quartiles([]float64{5, 1, 4, 2, 3}), (Quartiles{2, 3, 4}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := quartiles([]float64{1, 2}), (Quartiles{1.25, 1.5, 1.75}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := percentiles([]time.Duration{time.Microsecond}), (Times{1, 1}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The machine was three times slower in the second round, and the subject always takes twice as long as its base.
func TestARatioIsThatOfTheSameRound(t *testing.T) {
	base := measured{turns: []Cost{{Wall: 10, CPU: 1}, {Wall: 30, CPU: 3}}}
	subject := measured{turns: []Cost{{Wall: 20, CPU: 2, Connections: 1}, {Wall: 60, CPU: 6}}}
	r := row(contest{each: 1}, 2, base, subject)
	if want := (Quartiles{2, 2, 2}); r.Wall != want || r.CPU != want {
		t.Errorf("time %v, CPU %v, want %v", r.Wall, r.CPU, want)
	}
	if r.Ours.Connections != 0.5 {
		t.Errorf("%v connections, want the mean of the rounds", r.Ours.Connections)
	}
}

func TestAMissedBudgetIsNamed(t *testing.T) {
	budgets := []Budget{{What: "small", Limit: 2, Measured: 2}, {What: "large", Limit: 1.15, Measured: 1.151, Unit: "×"}}
	err := missed(budgets)
	if err == nil || !strings.Contains(err.Error(), "1 of 2") || !strings.Contains(err.Error(), "large: 1.151×, budget 1.150×") {
		t.Errorf("got %v", err)
	}
	if err := missed(budgets[:1]); err != nil {
		t.Errorf("got %v, want nil for a budget that is just met", err)
	}
}

func TestAFailureNamesItsContest(t *testing.T) {
	m := &meter{rounds: 1, turn: time.Millisecond, connections: func() (int64, error) { return 0, nil }}
	good, bad := plain(func() error { return nil }), plain(func() error { return errors.New("refused") })
	_, err := m.run([]contest{{Part: "part", Case: "case", Subject: "it", workers: 2, each: 1, subject: bad, base: good}})
	if err == nil || !strings.Contains(err.Error(), "part, case, it: refused") {
		t.Errorf("got %v", err)
	}
}

func TestRawPostsWhatTheSubjectPosts(t *testing.T) {
	for _, s := range append(ours, rivals...) {
		p, err := record(s)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		again, err := record(subject{s.name, func(base string) (send, error) { return raw(base, p), nil }})
		if err != nil {
			t.Errorf("raw %s: %v", s.name, err)
			continue
		}
		if len(p.body) == 0 || !bytes.Equal(p.body, again.body) || p.path != again.path {
			t.Errorf("%s: %s with %d bytes, raw %s with %d bytes", s.name, p.path, len(p.body), again.path, len(again.body))
		}
	}
}

func TestTheServerCountsConnections(t *testing.T) {
	s, err := startServer()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	before, err := s.connections()
	if err != nil {
		t.Fatal(err)
	}
	p, err := record(ours[0])
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := raw(s.Plain, p)(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := s.connections(); err != nil || after-before != 1 {
		t.Errorf("%d connections for three posts, %v", after-before, err)
	}
}

func TestTheHelloProgramsCompile(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := helloModule(dir, root); err != nil {
		t.Fatal(err)
	}
	if _, err := run(dir, "", "vet", "./..."); err != nil {
		t.Error(err)
	}
}

func TestTheSmallestRunWritesAReport(t *testing.T) {
	r, err := measure(options{rounds: 1, turn: time.Microsecond, root: "..", destinations: 2, sizes: []int{100, 1000}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	budgets := r.budgets()
	if err := write(r, budgets, dir); err != nil {
		t.Fatal(err)
	}
	if len(budgets) < 40 {
		t.Errorf("only %d budgets were checked", len(budgets))
	}
	page, err := os.ReadFile(filepath.Join(dir, "RESULTS.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| alertmanager webhook |", "| DeliverAll | 1300 |", "| receiver |", "| decode, every type, JSON v2 |",
		"| webhook | bytes that are no UTF-8 |", "### HTTP/2, 64 goroutines",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the report has no %q", want)
		}
	}
	for _, file := range []string{"cpu.svg", "time.svg", "fanout.svg", "long.svg"} {
		checkXML(t, filepath.Join(dir, file))
	}
}

func checkXML(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(b)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
}
