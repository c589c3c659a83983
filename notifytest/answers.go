package notifytest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// answerRows are about answers that do harm to whoever follows, reads or awaits them.
func answerRows() []row {
	return []row{
		{name: "a redirect to another host is refused, and nothing arrives there", http: true, check: func(s *stage) {
			checkRedirects(s, "http://"+elsewhere+"/hook")
		}},
		{name: "a redirect within the host is refused", http: true, check: func(s *stage) { checkRedirects(s, "/moved") }},
		{name: "a redirect to nowhere is refused", http: true, check: func(s *stage) {
			checkRedirects(s, "http://[::1/%zz", "", "mailto:ops@example.com")
		}},
		{name: "an answer without end is not read to its end", http: true, check: checkEndless},
		{name: "an answer said to be enormous is not believed", http: true, check: checkEnormous},
		{name: "a service that never answers is given up", http: true, check: checkSilence},
		{name: "an answer that trickles is given up", http: true, check: checkTrickle},
	}
}

// elsewhere is a host that no notifier has any business with.
const elsewhere = "elsewhere.test"

// checkRedirects: a client of net/http follows, turns a POST into a GET on 302, and on 307 takes every header along to
// the other host but a few well-known ones, so that a key in a header of its own name would be given away.
func checkRedirects(s *stage, locations ...string) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range locations {
			sc := s.scene()
			sc.front.Inject(fakehttp.Fault{Status: status, Header: http.Header{"Location": {location}}})
			o := sc.send(sc.notifier())
			in := fmt.Sprintf("%d to %q", status, location)
			sc.wantKind(o, in, sc.meaning(status)...)
			sc.wantRequests(o, in, 1)
			sc.wantNothingElsewhere(o, in)
		}
	}
}

// wantNothingElsewhere complains about each request to the other host. In memory all hosts lead to the same server.
func (sc *scene) wantNothingElsewhere(o outcome, in string) {
	sc.Helper()
	for _, r := range o.requests {
		if r.Host == elsewhere {
			sc.Errorf("%s: a request was sent to the other host, with the header %v", in, r.Header)
		}
	}
}

// A flood lets the service answer, or answers with a status of its own, and goes on after the body with blanks.
type flood struct {
	service http.Handler
	status  int          // 0 is the service's own answer
	claim   string       // the Content-Length, "" for none
	taken   atomic.Int64 // bytes that the client took
}

// floodSize is how many bytes are offered at the most: enough to see that no notifier should have wanted them.
const floodSize = 8 << 20

var blanks = bytes.Repeat([]byte(" "), 16<<10)

func (f *flood) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	if f.status == 0 {
		f.service.ServeHTTP(answer, r)
	} else {
		answer.Code = f.status
	}
	maps.Copy(w.Header(), answer.Header())
	w.Header().Del("Content-Length")
	if f.claim != "" {
		w.Header().Set("Content-Length", f.claim)
	}
	w.WriteHeader(answer.Code)
	for chunk := answer.Body.Bytes(); f.taken.Load() < floodSize; chunk = blanks {
		n, err := w.Write(chunk)
		f.taken.Add(int64(n))
		if err != nil {
			break
		}
	}
	panic(http.ErrAbortHandler)
}

// pour tries a flood with every status that is read in its own way.
func pour(s *stage, claim, in string) {
	for _, status := range []int{0, 400, 500} {
		f := &flood{status: status, claim: claim}
		sc := s.sceneBehind(func(service http.Handler) http.Handler { f.service = service; return f })
		sc.env.Delivery, sc.env.MaxAttempts = mackerel.AtMostOnce, 1
		o := sc.send(sc.notifier())
		in := in + ", status " + strconv.Itoa(status)
		if status == 0 {
			in = in + " (the service's own)"
			status = http.StatusOK
		}
		sc.wantKind(o, in, sc.meaning(status)...)
		if f.taken.Load() >= floodSize {
			sc.Errorf("%s: the notifier took all of the %d bytes that were offered", in, floodSize)
		}
	}
}

func checkEndless(s *stage) { pour(s, "", "an endless answer") }

// checkEnormous claims a length for which no memory can be had.
func checkEnormous(s *stage) { pour(s, strconv.FormatInt(1<<62, 10), "a Content-Length of 4 EiB") }

// checkSilence gives the call no deadline: the notifier must have one of its own.
func checkSilence(s *stage) {
	sc := s.scene()
	sc.front.Inject(fakehttp.Fault{Break: fakehttp.Silence, Times: -1})
	sc.wantKind(sc.send(sc.notifier()), "no answer to any attempt", sc.lost()...)
}

// checkTrickle sends a byte a second, so that every read succeeds and the answer never ends.
func checkTrickle(s *stage) {
	sc := s.sceneBehind(func(http.Handler) http.Handler { return http.HandlerFunc(trickle) })
	sc.wantKind(sc.send(sc.notifier()), "a byte a second", sc.lost()...)
}

func trickle(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusInternalServerError)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if _, err := w.Write([]byte(" ")); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}
