package notifytest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// answerRows give answers that harm a client that follows them, reads them or waits for them.
func answerRows() []row {
	return []row{
		{"a redirect to another host is refused, and no request arrives there", overHTTP, refuseRedirects, func(s *stage) {
			checkRedirects(s, "http://"+elsewhere+"/hook")
		}},
		{"a redirect within the host is refused", overHTTP, refuseRedirects, func(s *stage) { checkRedirects(s, "/moved") }},
		{"a redirect to no valid address is refused", overHTTP, refuseRedirects, func(s *stage) {
			checkRedirects(s, "http://[::1/%zz", "", "mailto:ops@example.com")
		}},
		{"an endless answer is not read to its end", overHTTP, limitAnswer, func(s *stage) { checkFlood(s, "") }},
		{"no memory is taken for an answer of a huge Content-Length", overHTTP, limitAnswer, func(s *stage) {
			checkFlood(s, strconv.FormatInt(1<<62, 10))
		}},
		{"a call ends if the service never answers", overHTTP, ownTimeout, checkSilence},
		{"a call ends if the answer arrives a byte per second", overHTTP, ownTimeout, checkTrickle},
	}
}

// elsewhere is a host that a notifier has no reason to reach. In memory it leads to the same server.
const elsewhere = "elsewhere.test"

// checkRedirects redirects in every way. A net/http client turns a POST into a GET on 302. On 307 it sends the
// headers to the other host, except for a few that it knows, so it gives away a key in a header of another name.
func checkRedirects(s *stage, locations ...string) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range locations {
			sc := s.scene()
			sc.in = fmt.Sprintf("%d to %q", status, location)
			sc.front.Inject(redirect(status, location))
			o := sc.send()
			o.wantRequests(1)
			if len(o.requests) == 1 { // otherwise the error is about another answer
				o.wantKind(sc.meaning(status)...)
			}
			for _, r := range o.requests {
				if r.Host == elsewhere {
					o.errorf("a request was sent to the other host, with the header %v", r.Header)
				}
			}
		}
	}
}

func redirect(status int, location string) fakehttp.Fault {
	return fakehttp.Fault{Status: status, Header: http.Header{"Location": {location}}}
}

// A flood is a handler whose answer goes on with blanks after its body.
type flood struct {
	service http.Handler
	status  int    // 0 is the service's own answer
	length  string // the Content-Length, "" for none
	taken   int    // bytes that the client took; read after the server is closed
}

// floodSize is the number of bytes that a flood ends after. No notifier should take so many.
const floodSize = 8 << 20

func (f *flood) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	if f.status == 0 {
		f.service.ServeHTTP(answer, r)
	} else {
		answer.Code = f.status
	}
	maps.Copy(w.Header(), answer.Header())
	w.Header().Del("Content-Length")
	if f.length != "" {
		w.Header().Set("Content-Length", f.length)
	}
	w.WriteHeader(answer.Code)
	blanks := bytes.Repeat([]byte(" "), 16<<10)
	for chunk := answer.Body.Bytes(); f.taken < floodSize; chunk = blanks {
		n, err := w.Write(chunk)
		f.taken += n
		if err != nil {
			break
		}
	}
	panic(http.ErrAbortHandler)
}

// checkFlood tries the service's own status, a refusal and a failure, since a notifier may read each in its own way.
func checkFlood(s *stage, length string) {
	for _, status := range []int{0, 400, 500} {
		f := &flood{status: status, length: length}
		sc := s.sceneBehind(func(fake http.Handler) http.Handler { f.service = fake; return f })
		sc.in = fmt.Sprintf("status %d", status)
		sc.env.Delivery, sc.env.MaxAttempts = mackerel.AtMostOnce, 1
		o := sc.send()
		if status == 0 {
			sc.in, status = "the service's own status", http.StatusOK
		}
		o.wantKind(sc.meaning(status)...)
		if sc.front.Close(); f.taken >= floodSize {
			o.errorf("the notifier took all of the %d bytes", floodSize)
		}
	}
}

// checkSilence sets no deadline: the notifier must have a timeout of its own.
func checkSilence(s *stage) {
	sc := s.scene()
	sc.front.Inject(fakehttp.Fault{Break: fakehttp.Silence, Times: -1})
	sc.send().wantKind(sc.lost()...)
}

// checkTrickle lets every read succeed, so a timeout of single reads does not end the call.
func checkTrickle(s *stage) {
	sc := s.sceneBehind(func(http.Handler) http.Handler { return http.HandlerFunc(trickle) })
	sc.send().wantKind(sc.lost()...)
}

func trickle(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusInternalServerError)
	for r.Context().Err() == nil {
		_, _ = w.Write([]byte(" "))               // fails only if the client has gone
		_ = http.NewResponseController(w).Flush() // likewise
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
		}
	}
}
