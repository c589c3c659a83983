package transport_test

import (
	"net/http"
	"testing"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

func TestClassify(t *testing.T) {
	classes := []struct {
		name             string
		from, to         int
		once, repeatable transport.Class
	}{
		{"no status at all", -1, -1, ambiguous, unavailable},
		{"no answer", 0, 0, ambiguous, unavailable},
		{"no status of HTTP", 1, 99, ambiguous, unavailable},
		{"an informational answer", 100, 199, ambiguous, unavailable},
		{"success", 200, 299, done, done},
		{"a redirect, which is refused", 300, 399, invalid, invalid},
		{"a wrong request", 400, 400, invalid, invalid},
		{"no credential", 401, 401, unauthorized, unauthorized},
		{"payment required", 402, 402, unauthorized, unauthorized},
		{"a credential without permission", 403, 403, unauthorized, unauthorized},
		{"no such thing", 404, 404, notFound, notFound},
		{"wrong method, not acceptable", 405, 406, invalid, invalid},
		{"a proxy that wants a credential", 407, 407, unauthorized, unauthorized},
		{"the request did not arrive in time", 408, 408, unavailable, unavailable},
		{"a conflict", 409, 409, invalid, invalid},
		{"no longer there", 410, 410, notFound, notFound},
		{"other wrong requests", 411, 428, invalid, invalid},
		{"too many requests", 429, 429, limited, limited},
		{"still other wrong requests", 430, 499, invalid, invalid},
		{"the server failed at some point", 500, 500, ambiguous, unavailable},
		{"not implemented", 501, 501, unsupported, unsupported},
		{"a gateway failed at some point", 502, 504, ambiguous, unavailable},
		{"HTTP version not supported", 505, 505, unsupported, unsupported},
		{"other failures of a server", 506, 599, ambiguous, unavailable},
		{"beyond HTTP", 600, 999, ambiguous, unavailable},
	}
	next := -1
	for _, c := range classes {
		if c.from != next {
			t.Errorf("the table has a gap: %s begins with %d, want %d", c.name, c.from, next)
		}
		next = c.to + 1
		for status := c.from; status <= c.to; status++ {
			if got := transport.Classify(status, false); got != c.once {
				t.Errorf("%s: %d %s is %d, want %d", c.name, status, http.StatusText(status), got, c.once)
			}
			if got := transport.Classify(status, true); got != c.repeatable {
				t.Errorf("%s: %d %s, repeatable, is %d, want %d", c.name, status, http.StatusText(status), got, c.repeatable)
			}
		}
	}
}

func TestEveryClassButDoneHasAKindOfItsOwn(t *testing.T) {
	kinds := map[error]bool{}
	for c := ambiguous; c <= unsupported; c++ {
		kinds[c.Kind()] = true
	}
	check(t, "kinds", len(kinds), int(unsupported)+1)
	check(t, "kind of a success", done.Kind(), nil)
	check(t, "kind of too many requests", limited.Kind(), transport.ErrRateLimited)
}
