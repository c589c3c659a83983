package main

import (
	"bufio"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"
)

// serverProcess is set in the environment of the process that is the server. The server has a process of its own, so
// that its time and its allocations are not counted.
const serverProcess = "MACKEREL_BENCHMARKS_SERVER"

// latency is how long the slow server takes to answer. It is in the order of a service in the same country.
const latency = 20 * time.Millisecond

// addresses are the base URLs of the servers, and the certificate of those with TLS, in PEM.
type addresses struct {
	Plain, TLS, HTTP2, Slow string
	Certificate             string
}

// serve starts four servers and writes their addresses to the standard output, as JSON in one line. Then it answers
// each line of the standard input with the number of connections that were made to the servers. It returns when the
// standard input ends, also if the process that has started it was killed.
func serve() error {
	var connections atomic.Int64
	start := func(handler http.HandlerFunc, startTLS, http2 bool) *httptest.Server {
		s := httptest.NewUnstartedServer(handler)
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
		if s.EnableHTTP2 = http2; startTLS {
			s.StartTLS()
		} else {
			s.Start()
		}
		return s
	}
	plain, tls, h2 := start(answer, false, false), start(answer, true, false), start(answer, true, true)
	slow := start(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(latency)
		answer(w, r)
	}, false, false)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tls.Certificate().Raw})
	err := json.NewEncoder(os.Stdout).Encode(addresses{plain.URL, tls.URL, h2.URL, slow.URL, string(certificate)})
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(connections.Load())
	}
	return nil
}

// answers are what the services answer to a message, by the first part of the path.
var answers = map[string]struct {
	status int
	body   string
}{
	"chatwork":  {http.StatusOK, `{"message_id":"1234567890123456789"}`},
	"hipchat":   {http.StatusNoContent, ""},
	"pagerduty": {http.StatusAccepted, `{"status":"success","message":"Event processed","dedup_key":"benchmark"}`},
	"slack":     {http.StatusOK, "ok"},
	"webhook":   {http.StatusOK, "ok"},
}

// answer reads a request to its end and answers as the service does.
func answer(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	service, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	a, ok := answers[service]
	switch {
	case !ok:
		http.NotFound(w, r)
		return
	case strings.HasPrefix(a.body, "{"):
		w.Header().Set("Content-Type", "application/json")
	case a.body != "":
		w.Header().Set("Content-Type", "text/plain")
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// A server is the process of the servers, seen from the process that measures.
type server struct {
	addresses

	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
}

// startServer starts this program again as the server.
func startServer() (*server, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.Command(program)}
	s.cmd.Env = append(os.Environ(), serverProcess+"=1")
	s.cmd.Stderr = os.Stderr
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.stdout = bufio.NewReader(stdout)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := s.stdout.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	return s, json.Unmarshal(line, &s.addresses)
}

// connections returns how many connections the servers have got.
func (s *server) connections() (n int64, err error) {
	if _, err := io.WriteString(s.stdin, "\n"); err != nil {
		return 0, err
	}
	_, err = fmt.Fscanln(s.stdout, &n)
	return n, err
}

// close ends the server.
func (s *server) close() error {
	if err := s.stdin.Close(); err != nil {
		return err
	}
	return s.cmd.Wait()
}
