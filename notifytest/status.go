package notifytest

import (
	"fmt"
	"net/http"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// successRows come first: a harness whose good day is none would fail everywhere, and say nothing.
func successRows() []row {
	return []row{
		{name: "an alert is one message that the service accepts, over a socket", sockets: true, check: checkSuccess},
		{name: "an alert is one message that the service accepts, in either mode", check: func(s *stage) {
			for _, mode := range []mackerel.Delivery{0, mackerel.AtLeastOnce, mackerel.AtMostOnce} {
				sc := s.scene()
				sc.env.Delivery = mode
				checkOne(sc, fmt.Sprintf("delivery %v", mode))
			}
		}},
	}
}

// checkSuccess takes the way of real life, a socket, once: all that follows in memory rests on it.
func checkSuccess(s *stage) { checkOne(s.scene(), "a good day") }

// checkOne sends two alerts and expects one message for each.
func checkOne(sc *scene, in string) {
	n := sc.notifier()
	for range 2 {
		o := sc.send(n)
		sc.wantSuccess(o, in)
		sc.wantAccepted(o, in, 1)
		sc.wantRequests(o, in, 1)
	}
}

// statusRows hold a notifier to one reading of HTTP's statuses, so that a caller can act on the kind of an error without
// knowing the service. See https://www.rfc-editor.org/rfc/rfc9110#name-status-codes.
func statusRows() []row {
	return []row{
		{name: "every status from 200 to 599 has its kind of error, at least once", http: true, check: func(s *stage) {
			checkStatuses(s, mackerel.AtLeastOnce)
		}},
		{name: "every status from 200 to 599 has its kind of error, at most once", http: true, check: func(s *stage) {
			checkStatuses(s, mackerel.AtMostOnce)
		}},
		{name: "informational answers before the answer change nothing", http: true, check: checkInformational},
		{name: "an answer that only switches protocols is as good as lost", http: true, check: checkSwitching},
	}
}

// strangeBodies are answers that no service documents, but proxies and accidents give.
var strangeBodies = []string{
	"", "<html><body>Bad Gateway</body></html>", `{"error":`, `[]`, `null`, "\xff\xfe\x00", `{"errors":{"a":[1]},"message":7}`,
}

// checkStatuses makes one attempt per status: what is asked here is what an answer means, not what is done about it.
func checkStatuses(s *stage, mode mackerel.Delivery) {
	for hundred := 200; hundred < 600; hundred += 100 {
		sc := s.scene()
		sc.env.Delivery, sc.env.MaxAttempts = mode, 1
		n := sc.notifier()
		for status := hundred; status < hundred+100; status++ {
			sc.checkStatus(n, status, strangeBodies[(status+int(mode))%len(strangeBodies)])
		}
	}
}

// checkStatus gives a body that no decoder expects, because a status must have its meaning without one.
func (sc *scene) checkStatus(n mackerel.Notifier, status int, body string) {
	sc.Helper()
	sc.front.Inject(fakehttp.Fault{Status: status, Body: body})
	o := sc.send(n)
	sc.front.Clear()
	in := fmt.Sprintf("status %d with the body %q", status, body)
	sc.wantKind(o, in, sc.meaning(status)...)
	sc.wantRequests(o, in, 1)
}

// meaning returns what a call may end with that was answered with a status, and a body that is not the service's.
func (h Harness) meaning(status int) []error {
	if kind, special := h.Statuses[status]; special {
		return []error{kind}
	}
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusProxyAuthRequired:
		return []error{mackerel.ErrUnauthorized}
	case http.StatusNotFound, http.StatusGone:
		return []error{mackerel.ErrNotFound}
	case http.StatusRequestTimeout:
		return []error{mackerel.ErrUnavailable}
	case http.StatusTooManyRequests:
		return []error{mackerel.ErrRateLimited}
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return []error{mackerel.ErrUnsupported}
	}
	switch status / 100 {
	case 2: // a success if the service needs no body for that, undocumented and so ambiguous otherwise
		return append(h.lost(), nil)
	case 3, 4:
		return []error{mackerel.ErrInvalid}
	}
	return h.lost()
}

// checkInformational sends what proxies may send ahead of every answer. It is not the answer.
func checkInformational(s *stage) {
	sc := s.sceneBehind(func(service http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusProcessing)
			w.WriteHeader(http.StatusEarlyHints)
			service.ServeHTTP(w, r)
		})
	})
	o := sc.send(sc.notifier())
	sc.wantSuccess(o, "after a 102 and a 103")
	sc.wantAccepted(o, "after a 102 and a 103", 1)
}

// checkSwitching answers with a status that ends HTTP on the connection: nobody knows what became of the message.
func checkSwitching(s *stage) {
	sc := s.sceneBehind(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err) // both doors of the server allow it
			}
			defer conn.Close()
			_, _ = buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			_ = buffered.Flush() // fails only if the client has gone
		})
	})
	sc.env.Delivery, sc.env.MaxAttempts = mackerel.AtMostOnce, 1
	sc.wantKind(sc.send(sc.notifier()), "status 101", sc.lost()...)
}
