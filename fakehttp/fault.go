package fakehttp

import (
	"bytes"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"time"
)

// A Fault is something that goes wrong with the requests it matches. A fault with neither Status nor Break only delays.
type Fault struct {
	// Times is how many requests it spoils: 0 is one, less than 0 is every one until Clear.
	Times int
	// Method is the method of the requests it is for; "" is any.
	Method string
	// Path is the path of the requests it is for, unescaped, in which a * stands for one element of the path, as in
	// [path.Match]: "/rooms/*/messages". "" is any.
	Path string
	// Delay is how long to wait before anything else is done or, with Handled, between the service's work and its
	// answer. If the client goes away meanwhile, nothing else is done.
	Delay time.Duration
	// Handled lets the service handle the request first, so that only its answer is lost, late or damaged. Without it
	// the service never sees the request, unless the fault is nothing but a delay.
	Handled bool
	// Status, Header and Body are the answer. If Status is 0, it is the service's own answer with Handled, and an empty
	// 200 without. Content-Type is guessed from the Body, as [http.ResponseWriter] does, unless it is in the Header.
	Status int
	Header http.Header
	Body   string
	// Break is what happens to the connection. The zero value leaves it in order.
	Break Break
}

// Break is a way in which a connection breaks.
type Break int

// The ways in which a connection breaks. All but the first three begin with the status and header of the answer.
const (
	// ResetConnection answers nothing; the client sees a connection reset by its peer. Without Handled this is before
	// the request's body was read.
	ResetConnection Break = iota + 1
	// CloseConnection answers nothing; the client, its request read, sees an end of file.
	CloseConnection
	// Silence answers nothing and keeps the connection, until the client goes away or the Server is closed.
	Silence
	// HalfBody sends half of the body that Content-Length promises, then closes the connection.
	HalfBody
	// HalfChunked sends half of the body in chunks, then closes the connection without the last chunk.
	HalfChunked
	// StalledBody sends half of the body that Content-Length promises, and then as Silence does.
	StalledBody
	// EndlessBody goes on after the body with blanks, until the client goes away or the Server is closed.
	EndlessBody
)

// String returns the name of the constant, "none" for the zero value.
func (b Break) String() string {
	switch b {
	case 0:
		return "none"
	case ResetConnection:
		return "ResetConnection"
	case CloseConnection:
		return "CloseConnection"
	case Silence:
		return "Silence"
	case HalfBody:
		return "HalfBody"
	case HalfChunked:
		return "HalfChunked"
	case StalledBody:
		return "StalledBody"
	case EndlessBody:
		return "EndlessBody"
	}
	return "Break(" + strconv.Itoa(int(b)) + ")"
}

func (f Fault) check() {
	if _, err := path.Match(f.Path, ""); err != nil {
		panic("fakehttp: Fault.Path " + strconv.Quote(f.Path) + ": " + err.Error())
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 999) {
		panic("fakehttp: Fault.Status " + strconv.Itoa(f.Status) + " cannot be sent")
	}
	if f.Break < 0 || f.Break > EndlessBody {
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

// beforeBody reports whether the connection is to be cut before the body is read.
func (f Fault) beforeBody() bool { return f.Break == ResetConnection && !f.Handled }

// onlyDelays reports whether the service's own answer is to be given untouched.
func (f Fault) onlyDelays() bool { return f.Status == 0 && f.Break == 0 }

// apply does what the fault says. Where a handler must not return in order, it panics with http.ErrAbortHandler, which
// net/http takes as the wish to close the connection without a word in the log.
func (s *Server) apply(f Fault, w http.ResponseWriter, r *http.Request, record *Request) {
	if !f.Handled {
		s.pause(r, f.Delay)
	}
	if !f.Handled && f.onlyDelays() {
		s.handle(w, r, record)
		return
	}
	answer := httptest.NewRecorder()
	if f.Handled {
		s.handle(answer, r, record)
		s.pause(r, f.Delay)
	}
	if f.Status != 0 {
		answer = httptest.NewRecorder()
		answer.Code = f.Status
	}
	if f.Status != 0 || !f.Handled {
		f.fill(answer)
	}
	s.give(f.Break, answer, w, r)
}

// fill puts the fault's own header and body into the answer.
func (f Fault) fill(answer *httptest.ResponseRecorder) {
	for name, values := range f.Header {
		answer.Header()[http.CanonicalHeaderKey(name)] = values
	}
	answer.Body = bytes.NewBufferString(f.Body)
}

// pause waits, and gives the request up if its client, or the server, goes first.
func (s *Server) pause(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	case <-s.ctx.Done():
		panic(http.ErrAbortHandler)
	}
}

// silence waits for the client or the server to go away.
func (s *Server) silence(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
	panic(http.ErrAbortHandler)
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
		s.silence(r)
	case HalfBody:
		sendHalf(w, answer.Code, body, true)
		panic(http.ErrAbortHandler)
	case HalfChunked:
		sendHalf(w, answer.Code, body, false)
		panic(http.ErrAbortHandler)
	case StalledBody:
		sendHalf(w, answer.Code, body, true)
		s.silence(r)
	case EndlessBody:
		w.Header().Del("Content-Length")
		w.WriteHeader(answer.Code)
		s.sendForever(w, r, body)
	default:
		w.WriteHeader(answer.Code)
		_, _ = w.Write(body) // fails only if the client has gone
	}
}

// hangUp closes the connection without an answer, with a reset where there is one to be had.
func hangUp(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2, or a recorder: closing without an answer is all there is
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = conn.Close() }() // breaking it is the purpose; how it ends is the client's to see
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

// sendHalf sends the header and the first half of the body. Of an empty body two bytes are promised, and none comes.
func sendHalf(w http.ResponseWriter, status int, body []byte, promise bool) {
	w.Header().Del("Content-Length")
	if promise {
		w.Header().Set("Content-Length", strconv.Itoa(max(len(body), 2)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body[:len(body)/2])        // fails only if the client has gone,
	_ = http.NewResponseController(w).Flush() // as this does
}

// sendForever returns only by giving up the request.
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
