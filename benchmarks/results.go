package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Results are everything that a run has measured.
type Results struct {
	Machine  Machine
	Rows     []Row
	Lanes    []Lane
	Memory   []Memory
	Long     []Long
	Programs []Program
}

// A Machine is where and when a run was made.
type Machine struct {
	Date, Go, System, Processor string
	Processors                  int
	Load                        string // of the last minute before the run; "" if it is unknown
	Rounds                      int
	Turn                        time.Duration
	Took                        time.Duration
}

// measure measures everything.
func measure(o options) (r Results, err error) {
	start := time.Now()
	s, err := startServer()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	forget, err := trust(s.Certificate)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, forget()) }()
	r.Machine = machine(o, start)
	if err := r.fill(o, s); err != nil {
		return r, err
	}
	r.Machine.Took = time.Since(start).Round(time.Second)
	return r, nil
}

// fill takes the measurements, those first that suffer most from a machine that is warm and a heap that is large.
func (r *Results) fill(o options, s *server) (err error) {
	m := &meter{rounds: o.rounds, turn: o.turn, connections: s.connections}
	root, err := filepath.Abs(o.root)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		run  func() ([]Row, error)
	}{
		{"messages", func() ([]Row, error) { return messages(m, s) }},
		{"fan-out", func() ([]Row, error) { return fanout(m, s) }},
		{"receive", func() ([]Row, error) { return receive(m, root) }},
		{"channels", func() ([]Row, error) { return channels(m, root) }},
	} {
		log.Print(part.name)
		rows, err := part.run()
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		r.Rows = append(r.Rows, rows...)
	}
	log.Print("memory, long texts, programs")
	if r.Lanes, err = lanes(s, o.destinations); err != nil {
		return err
	}
	if r.Memory, err = memory(s, o.destinations); err != nil {
		return err
	}
	if r.Long, err = long(s, o.sizes); err != nil {
		return err
	}
	r.Programs, err = programs(root, o.releases)
	return err
}

// trust makes all clients of this process trust a certificate. crypto/x509 reads the file when the first certificate is
// verified. So every client is measured as it is by default, without settings of ours.
func trust(certificate string) (forget func() error, err error) {
	dir, err := os.MkdirTemp("", "certificate-")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "certificate.pem")
	err = errors.Join(os.WriteFile(file, []byte(certificate), 0o600), os.Setenv("SSL_CERT_FILE", file))
	return func() error { return os.RemoveAll(dir) }, err
}

func machine(o options, now time.Time) Machine {
	m := Machine{
		Date: now.Format(time.DateOnly), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Processor: "unknown", Processors: runtime.GOMAXPROCS(0), Rounds: o.rounds, Turn: o.turn,
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(b), " ")
	}
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, after, ok := strings.Cut(string(b), "model name"); ok {
			line, _, _ := strings.Cut(after, "\n")
			m.Processor = strings.TrimSpace(strings.TrimLeft(line, "\t :"))
		}
	}
	return m
}

// row returns the row of a subject in a case.
func (r *Results) row(part, name, subject string) (Row, bool) {
	for _, row := range r.Rows {
		if row.Part == part && row.Case == name && row.Subject == subject {
			return row, true
		}
	}
	return Row{}, false
}
