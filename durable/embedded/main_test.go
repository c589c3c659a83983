package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel/durable/embedded"
)

// publishEnv is set in a process that stores alerts until it is killed.
const publishEnv = "MACKEREL_EMBEDDED_PUBLISH"

func TestMain(m *testing.M) {
	if dir := os.Getenv(publishEnv); dir != "" {
		if err := publish(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// publish stores alerts from four goroutines and writes the number of each alert that was accepted.
func publish(dir string) error {
	ctx := context.Background()
	s, err := embedded.Start(ctx, small(dir))
	if err != nil {
		return err
	}
	in, err := s.Store().Queue("in")
	if err != nil {
		return err
	}
	var mu sync.Mutex
	errs := make(chan error)
	for i := range 4 {
		go func() {
			for n := i; ; n += 4 {
				if err := in.Notify(ctx, alert(n)); err != nil {
					errs <- err
					return
				}
				mu.Lock()
				_, err := fmt.Fprintln(os.Stdout, n)
				mu.Unlock()
				if err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	return <-errs
}

// A publisher is a process that stores alerts.
type publisher struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	err   strings.Builder
	done  map[int]bool // the alerts that were accepted
}

func startPublisher(t *testing.T, dir string) *publisher {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &publisher{cmd: exec.CommandContext(t.Context(), exe), done: make(map[int]bool)}
	p.cmd.Env = append(os.Environ(), publishEnv+"="+dir)
	p.cmd.Stderr = &p.err
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// wait reads until n more alerts were accepted.
func (p *publisher) wait(t *testing.T, n int) {
	t.Helper()
	for range n {
		if !p.lines.Scan() {
			t.Fatal("the publisher has ended: ", p.err.String())
		}
		p.line(t)
	}
}

func (p *publisher) line(t *testing.T) {
	t.Helper()
	n, err := strconv.Atoi(p.lines.Text())
	if err != nil {
		t.Fatal(err)
	}
	p.done[n] = true
}

// kill ends the publisher with SIGKILL.
func (p *publisher) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for p.lines.Scan() {
		p.line(t)
	}
	if err := p.cmd.Wait(); err == nil {
		t.Fatal("the publisher was not killed")
	}
}

// lost returns how many of the accepted alerts a store does not have.
func (p *publisher) lost(t *testing.T, s *embedded.Server) int {
	t.Helper()
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "mackerel")
	if err != nil {
		t.Fatal(err)
	}
	state := stream.CachedInfo().State
	has := make(map[int]bool)
	for n := state.FirstSeq; n <= state.LastSeq && state.Msgs > 0; n++ {
		m, err := stream.GetMsg(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := strings.Cut(string(m.Data), `"message":"`)
		number, err := strconv.Atoi(strings.SplitN(text, "x", 2)[0])
		if err != nil {
			t.Fatalf("%.200s: %v", m.Data, err)
		}
		has[number] = true
	}
	lost := 0
	for n := range p.done {
		if !has[n] {
			lost++
		}
	}
	return lost
}
