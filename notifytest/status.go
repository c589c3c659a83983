package notifytest

import (
	"fmt"
	"net/http"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// statusRows answer with each status. A caller must be able to act on the kind of an error without knowing the service.
// See https://www.rfc-editor.org/rfc/rfc9110#name-status-codes.
func statusRows() []row {
	return []row{
		{"every status from 200 to 599 has its kind of error", overHTTP, kindByStatus, checkStatuses},
		{"informational answers before the answer change nothing", overHTTP, sendOne, checkInformational},
		{"an answer that switches protocols is a lost answer", overHTTP, returnAmbiguous, checkSwitching},
	}
}

// strangeBodies are bodies that no service documents and that proxies send.
var strangeBodies = []string{
	"", "<html><body>Bad Gateway</body></html>", "\xff\xfe\x00",
	`{"error":`, `[]`, `null`, `{"errors":{"a":[1]},"message":7}`,
}

// checkStatuses makes one attempt per status, with a body that no decoder expects.
func checkStatuses(s *stage) {
	for _, mode := range modes {
		sc := s.sceneIn(mode)
		sc.env.MaxAttempts = 1
		for status := 200; status < 600; status++ {
			body := strangeBodies[(status+int(mode))%len(strangeBodies)]
			sc.in = fmt.Sprintf("%v, status %d with the body %q", mode, status, body)
			sc.front.Inject(fakehttp.Fault{Status: status, Body: body})
			o := sc.send()
			sc.front.Clear()
			o.wantKind(sc.meaning(status)...)
			o.wantRequests(1)
		}
	}
}

// statusKinds are the kinds of error of the statuses that differ from others of their hundred.
var statusKinds = map[int]error{
	http.StatusUnauthorized:            mackerel.ErrUnauthorized,
	http.StatusPaymentRequired:         mackerel.ErrUnauthorized,
	http.StatusForbidden:               mackerel.ErrUnauthorized,
	http.StatusProxyAuthRequired:       mackerel.ErrUnauthorized,
	http.StatusNotFound:                mackerel.ErrNotFound,
	http.StatusGone:                    mackerel.ErrNotFound,
	http.StatusRequestTimeout:          mackerel.ErrUnavailable,
	http.StatusTooManyRequests:         mackerel.ErrRateLimited,
	http.StatusNotImplemented:          mackerel.ErrUnsupported,
	http.StatusHTTPVersionNotSupported: mackerel.ErrUnsupported,
}

// meaning returns the kinds of error that are right for a status with a body that the service does not document.
func (h Harness) meaning(status int) []error {
	for _, kinds := range []map[int]error{h.Statuses, statusKinds} {
		if kind, special := kinds[status]; special {
			return []error{kind}
		}
	}
	switch status / 100 {
	case 2: // success if the service documents the status alone; otherwise the outcome is unknown
		return append(h.lost(), nil)
	case 3, 4:
		return []error{mackerel.ErrInvalid}
	}
	return h.lost()
}

// checkInformational sends 102 and 103 before the answer, as proxies may do.
func checkInformational(s *stage) {
	sc := s.sceneBehind(func(fake http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusProcessing)
			w.WriteHeader(http.StatusEarlyHints)
			fake.ServeHTTP(w, r)
		})
	})
	o := sc.send()
	o.wantSuccess()
	o.wantAccepted(1)
}

// checkSwitching answers 101, after which the connection no longer speaks HTTP.
func checkSwitching(s *stage) {
	sc := s.sceneBehind(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err) // a fakehttp.Server supports it
			}
			defer conn.Close()
			// An error means that the client has gone.
			_, _ = conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"))
		})
	})
	sc.env.Delivery, sc.env.MaxAttempts = mackerel.AtMostOnce, 1
	sc.send().wantKind(sc.lost()...)
}
