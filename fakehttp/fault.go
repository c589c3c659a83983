package fakehttp

import (
	"bytes"
	"cmp"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"time"
)

// A Fault spoils the requests that it matches. If it has neither Status nor Break, it only delays.
type Fault struct {
	// Times is the number of requests that the fault spoils. 0 means one request. A negative number means all requests
	// until [Server.Clear].
	Times int
	// Method is the method of the requests, "" for any.
	Method string
	// Path is the unescaped path of the requests, "" for any. A * stands for an element, as in [path.Match]:
	// "/rooms/*/messages".
	Path string
	// Delay is waited for first or, with Handled, between the service's work and its answer. Nothing else happens if the
	// client goes away in this time.
	Delay time.Duration
	// Handled lets the service handle the request, and then spoils the answer. Without Handled the service does not see
	// the request, unless the fault only delays.
	Handled bool
	// Status, Header and Body are the answer. If Status is 0, the answer is that of the service with Handled, else an
	// empty 200. Without a Content-Type in Header, it is guessed as [http.ResponseWriter] does.
	Status int
	Header http.Header
	Body   string
	// Break is what happens to the connection; nothing if it is 0.
	Break Break
}

// Break is a way in which a connection breaks.
type Break int

// The ways in which a connection breaks. The last four send the status and header of the answer first.
const (
	// ResetConnection answers nothing and resets the connection; without Handled, before the request's body is read.
	ResetConnection Break = iota + 1
	// CloseConnection answers nothing and closes the connection after the request is read.
	CloseConnection
	// Silence answers nothing until the client goes away or the Server is closed.
	Silence
	// HalfBody declares a Content-Length, sends half of the body and closes the connection.
	HalfBody
	// HalfChunked sends half of the body in chunks and closes the connection without the last chunk.
	HalfChunked
	// StalledBody is HalfBody, but then the connection stays open as with Silence.
	StalledBody
	// EndlessBody sends the body and then blanks until the client goes away or the Server is closed.
	EndlessBody
)

var breakNames = [...]string{
	"none", "ResetConnection", "CloseConnection", "Silence", "HalfBody", "HalfChunked", "StalledBody", "EndlessBody",
}

func (b Break) exists() bool { return b >= 0 && int(b) < len(breakNames) }

// String returns the name of the constant, "none" for 0.
func (b Break) String() string {
	if !b.exists() {
		return "Break(" + strconv.Itoa(int(b)) + ")"
	}
	return breakNames[b]
}

func (f Fault) check() {
	if _, err := path.Match(f.Path, ""); err != nil {
		panic("fakehttp: Fault.Path " + strconv.Quote(f.Path) + ": " + err.Error())
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 999) {
		panic("fakehttp: Fault.Status " + strconv.Itoa(f.Status) + " cannot be sent")
	}
	if !f.Break.exists() {
		panic("fakehttp: unknown " + f.Break.String())
	}
}

func (f Fault) matches(r *http.Request) bool {
	if f.Method != "" && f.Method != r.Method {
		return false
	}
	if f.Path == "" {
		return true
	}
	ok, _ := path.Match(f.Path, r.URL.Path) // the pattern was checked by Inject
	return ok
}

// apply does what the fault says. It panics with http.ErrAbortHandler to close the connection; net/http does not log
// this panic.
func (s *Server) apply(f Fault, w http.ResponseWriter, r *http.Request, record *Request) {
	if !f.Handled {
		s.pause(r, f.Delay)
		if f.Status == 0 && f.Break == 0 {
			s.handle(w, r, record)
			return
		}
	}
	answer := httptest.NewRecorder()
	if f.Handled {
		s.handle(answer, r, record)
		s.pause(r, f.Delay)
	}
	if f.Status != 0 || !f.Handled {
		answer = f.answer()
	}
	s.give(f.Break, answer, w, r)
}

// answer returns the fault's own answer.
func (f Fault) answer() *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	answer.Code = cmp.Or(f.Status, http.StatusOK)
	setHeader(answer, f.Header)
	answer.Body = bytes.NewBufferString(f.Body)
	return answer
}

func (s *Server) pause(r *http.Request, d time.Duration) {
	if d > 0 {
		s.wait(r, time.After(d))
	}
}

// wait gives the request up if the client goes away or the server is closed first.
func (s *Server) wait(r *http.Request, until <-chan time.Time) {
	select {
	case <-until:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	case <-s.ctx.Done():
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) give(b Break, answer *httptest.ResponseRecorder, w http.ResponseWriter, r *http.Request) {
	maps.Copy(w.Header(), answer.Header())
	body := answer.Body.Bytes()
	switch b {
	case ResetConnection:
		hangUp(w, true)
	case CloseConnection:
		hangUp(w, false)
	case Silence:
		s.wait(r, nil)
	case HalfBody:
		sendHalf(w, answer.Code, body, true)
		panic(http.ErrAbortHandler)
	case HalfChunked:
		sendHalf(w, answer.Code, body, false)
		panic(http.ErrAbortHandler)
	case StalledBody:
		sendHalf(w, answer.Code, body, true)
		s.wait(r, nil)
	case EndlessBody:
		w.Header().Del("Content-Length")
		w.WriteHeader(answer.Code)
		s.sendForever(w, r, body)
	default:
		w.WriteHeader(answer.Code)
		_, _ = w.Write(body) // fails only if the client has gone
	}
}

// hangUp closes or resets the connection without an answer.
func hangUp(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2 and recorders cannot be reset
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	if !reset {
		return
	}
	switch c := conn.(type) {
	case *pipeConn:
		_ = c.abort() // a pipe's Close cannot fail
	case *net.TCPConn:
		_ = c.SetLinger(0) // fails only if the client has gone
	}
}

// sendHalf sends the header and the first half of the body. For an empty body it declares a length of 2.
func sendHalf(w http.ResponseWriter, status int, body []byte, withLength bool) {
	w.Header().Del("Content-Length")
	if withLength {
		w.Header().Set("Content-Length", strconv.Itoa(max(len(body), 2)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body[:len(body)/2])        // fails only if the client has gone
	_ = http.NewResponseController(w).Flush() // likewise
}

// sendForever never returns: it panics when the client goes away or the server is closed.
func (s *Server) sendForever(w http.ResponseWriter, r *http.Request, chunk []byte) {
	for s.ctx.Err() == nil && r.Context().Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			break
		}
		chunk = blanks
	}
	panic(http.ErrAbortHandler)
}

var blanks = bytes.Repeat([]byte(" "), 4096)
