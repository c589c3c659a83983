package crash

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A process is a process with a role that is killed and started again.
type process struct {
	t    *testing.T
	role role
	hear func(report) // gets the reports that are no answers to a command

	mu      sync.Mutex
	cmd     *exec.Cmd
	in      io.WriteCloser
	ready   chan struct{}
	ended   chan struct{} // when all that the process has written is read
	lives   int           // how often it was started
	waiting map[string][]chan report
	stopped bool // as the test wants it
	last    report
	errors  bytes.Buffer
}

var errGone = errors.New("the process has gone")

func newProcess(t *testing.T, r role, hear func(report)) *process {
	t.Helper()
	p := &process{t: t, role: r, hear: hear}
	p.start()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() && p.errors.Len() > 0 {
			t.Logf("%s wrote:\n%s", p.role.Name, p.errors.String())
		}
	})
	return p
}

// start starts the process for the first time, or again.
func (p *process) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lives++
	r := p.role
	r.Name = p.name()
	text, err := json.Marshal(r)
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(os.Args[0], "-test.run=^$") // it is this program
	p.cmd.Env = append(os.Environ(), roleVariable+"="+string(text))
	p.cmd.Stderr = &p.errors
	out, err1 := p.cmd.StdoutPipe()
	in, err2 := p.cmd.StdinPipe()
	if err := errors.Join(err1, err2, p.cmd.Start()); err != nil {
		p.t.Fatal(err)
	}
	p.in, p.ready, p.ended, p.stopped = in, make(chan struct{}), make(chan struct{}), false
	p.waiting = make(map[string][]chan report)
	go p.read(p.cmd, out, p.ready, p.ended)
}

// name is that of this life of the process.
func (p *process) name() string { return fmt.Sprintf("%s-%d", p.role.Name, p.lives) }

// read reads what the process says until it ends.
func (p *process) read(cmd *exec.Cmd, out io.Reader, ready, ended chan struct{}) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r report
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			continue // it was killed while it wrote
		}
		p.got(r, ready)
	}
	err := cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.t.Errorf("%s ended by itself: %v\n%s", p.name(), err, p.errors.String())
	}
	for _, all := range p.waiting {
		for _, c := range all {
			close(c)
		}
	}
	p.waiting = nil
	close(ended)
}

func (p *process) got(r report, ready chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := r.Is
	if key == "notified" {
		key += strconv.Itoa(r.N)
	}
	switch all := p.waiting[key]; {
	case r.Is == "ready":
		close(ready)
	case r.Is == "ended":
		p.last = r
	case len(all) > 0:
		all[0] <- r
		p.waiting[key] = all[1:]
	default:
		p.hear(r)
	}
}

// kill kills the process, and returns the name of the life that has ended.
func (p *process) kill() string {
	p.mu.Lock()
	p.stopped = true
	name, cmd, ended := p.name(), p.cmd, p.ended
	p.mu.Unlock()
	_ = cmd.Process.Kill() // it may have ended
	<-ended
	return name
}

// stop lets the process end by itself, and returns its last report.
func (p *process) stop() report {
	p.mu.Lock()
	p.stopped = true
	in, ended := p.in, p.ended
	p.mu.Unlock()
	_ = in.Close() // it may have ended
	select {
	case <-ended:
	case <-time.After(time.Minute):
		p.t.Errorf("%s does not end", p.role.Name)
	}
	return p.last
}

// ask gives a command and waits for the report about it.
func (p *process) ask(c command, about string) (report, error) {
	answer := make(chan report, 1)
	line, err := json.Marshal(c)
	if err != nil {
		return report{}, err
	}
	p.mu.Lock()
	if p.waiting == nil {
		p.mu.Unlock()
		return report{}, errGone
	}
	p.waiting[about] = append(p.waiting[about], answer)
	_, _ = p.in.Write(append(line, '\n')) // if the process has gone, the answer is closed
	p.mu.Unlock()
	r, ok := <-answer
	switch {
	case !ok:
		return r, errGone
	case r.Err != "":
		return r, errors.New(r.Err)
	}
	return r, nil
}

// awake waits until the process is ready.
func (p *process) awake(limit time.Duration) error {
	p.mu.Lock()
	ready, ended := p.ready, p.ended
	p.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ended:
		return errGone
	case <-time.After(limit):
		return fmt.Errorf("%s is not ready after %v", p.role.Name, limit)
	}
}

// memory returns the resident memory in MB, 0 where it is not known.
func (p *process) memory() int {
	p.mu.Lock()
	pid := p.cmd.Process.Pid
	p.mu.Unlock()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	var kb int
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		return 0
	}
	return kb >> 10
}
