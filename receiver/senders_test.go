package receiver_test

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/receiver"
)

const ranges = `{"incoming":["203.0.113.0/24"],"outgoing":["192.0.2.0/28","198.51.100.7","odd"],"outgoing_ipv6":["2001:db8::/64"]}`

// A metaServer is mackerel.io with its addresses, as the RoundTripper of a client.
type metaServer struct {
	mu    sync.Mutex
	body  string // "" is a failure
	takes time.Duration
	gets  int
}

func (m *metaServer) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	body, takes := m.body, m.takes
	m.gets++
	m.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if r.URL.String() != "https://mackerel.io/meta/ip-ranges.json" || r.Method != http.MethodGet {
		return nil, errors.New("another URL: " + r.URL.String())
	}
	status := http.StatusOK
	if body == "" {
		status = http.StatusForbidden // which is not repeated
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (m *metaServer) set(body string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.body = body
}

func (m *metaServer) wantGets(t *testing.T, want int) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gets != want {
		t.Errorf("the addresses were fetched %d times, want %d", m.gets, want)
	}
}

func from(addr string, forwarded ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.RemoteAddr = addr
		for _, f := range forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
	}
}

func prefixes(all ...string) (list []netip.Prefix) {
	for _, s := range all {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

func TestMackerelOnly(t *testing.T) {
	proxies := prefixes("10.0.0.1/8", "fd00::/8")
	for _, c := range []struct {
		name    string
		proxies []netip.Prefix
		request func(*http.Request)
		status  int
	}{
		{"an address of Mackerel", nil, from("192.0.2.15:1234"), 200},
		{"the address after it", nil, from("192.0.2.16:1234"), 403},
		{"an entry without a length", nil, from("198.51.100.7:1234"), 200},
		{"an IPv6 address", nil, from("[2001:db8::5]:1234"), 200},
		{"an IPv4 address within IPv6", nil, from("[::ffff:192.0.2.1]:1234"), 200},
		{"an address of the agents' server", nil, from("203.0.113.1:1234"), 403},
		{"no address", nil, from("@"), 403},
		{"a header without a trusted proxy", nil, from("10.0.0.1:1234", "192.0.2.1"), 403},
		{"a header of another sender", proxies, from("203.0.113.1:1234", "192.0.2.1"), 403},
		{"Mackerel without a proxy", proxies, from("192.0.2.1:1234", "203.0.113.1"), 200},
		{"a proxy", proxies, from("10.0.0.1:1234", "192.0.2.1"), 200},
		{"a proxy that tells the port", proxies, from("10.0.0.1:1234", "192.0.2.1:99"), 200},
		{"two proxies, two headers", proxies, from("[fd00::1]:1234", "evil, 192.0.2.1", "10.9.9.9"), 200},
		{"a header that the sender claims", proxies, from("10.0.0.1:1234", "192.0.2.1", "203.0.113.1"), 403},
		{"a header before that of the proxy", proxies, from("10.0.0.1:1234", "203.0.113.1", "192.0.2.1"), 200},
		{"a proxy on the link", prefixes("fe80::/10"), from("[fe80::1%eth0]:1234", "192.0.2.1"), 200},
		{"an address that the sender claims", proxies, from("10.0.0.1:1234", "192.0.2.1, 203.0.113.1"), 403},
		{"a proxy that does not tell", proxies, from("10.0.0.1:1234"), 403},
		{"a proxy that tells no address", proxies, from("10.0.0.1:1234", "192.0.2.1, unknown"), 403},
		{"a chain of proxies only", proxies, from("10.0.0.1:1234", "10.0.0.2"), 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &metaServer{body: ranges}
			h := newHarness(t, receiver.Config{
				MackerelOnly: true, TrustedProxies: c.proxies, Client: &http.Client{Transport: m},
			}, nil)
			w := h.want(t, c.status, body, c.request)
			if c.status == 403 && (w.Body.String() != "Forbidden\n" || !errors.Is(h.last().Err, mackerel.ErrUnauthorized)) {
				t.Errorf("%q, %v", w.Body, h.last().Err)
			}
		})
	}
}

// An address of Mackerel's is not enough if there is a password.
func TestMackerelsAddressIsCheckedInAddition(t *testing.T) {
	h := newHarness(t, receiver.Config{
		MackerelOnly: true, Client: &http.Client{Transport: &metaServer{body: ranges}},
		User: mackerel.NewSecret("u"), Password: mackerel.NewSecret("p"),
	}, nil)
	h.want(t, 401, body, from("192.0.2.1:1"))
	h.want(t, 403, body, from("203.0.113.9:1"), auth("u", "p"))
	h.want(t, 405, body, from("192.0.2.1:1"), auth("u", "p"), method(http.MethodPut))
	h.want(t, 200, body, from("192.0.2.1:1"), auth("u", "p"))
}

func TestForASenderWithoutAnAddressNothingIsFetched(t *testing.T) {
	m := &metaServer{body: ranges}
	h := newHarness(t, receiver.Config{
		MackerelOnly: true, TrustedProxies: prefixes("10.0.0.0/8"), Client: &http.Client{Transport: m},
	}, nil)
	h.want(t, 403, body, from("@"))
	h.want(t, 403, body, from("10.0.0.1:1234", "unknown"))
	m.wantGets(t, 0)
}

func TestTheAddressesAreFetchedWhenTheyAreNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &metaServer{body: ranges}
		h := newHarness(t, receiver.Config{MackerelOnly: true, Client: &http.Client{Transport: m}}, nil)
		mackerelIO, other := from("192.0.2.1:1"), from("203.0.113.9:1")
		m.wantGets(t, 0)
		h.want(t, 200, body, mackerelIO)
		h.want(t, 403, body, other)
		m.wantGets(t, 1)
		time.Sleep(time.Minute)
		h.want(t, 200, body, mackerelIO)
		m.wantGets(t, 1)
		h.want(t, 403, body, other)
		h.want(t, 403, body, other)
		m.wantGets(t, 2) // Mackerel may have a new address
		time.Sleep(59 * time.Second)
		h.want(t, 403, body, other)
		m.wantGets(t, 2)
		time.Sleep(time.Hour)
		h.want(t, 200, body, mackerelIO)
		m.wantGets(t, 3)

		m.set("")
		time.Sleep(time.Hour)
		h.want(t, 200, body, mackerelIO)
		m.wantGets(t, 4) // at an hour, also for a sender that is known
		h.want(t, 403, body, other)
		m.wantGets(t, 4)
		m.set(`{"outgoing":["203.0.113.0/24"],"outgoing_ipv6":[]}`)
		time.Sleep(time.Minute)
		h.want(t, 200, body, other)
		h.want(t, 403, body, mackerelIO)
		m.wantGets(t, 5)
	})
}

func TestWithoutAddressesNothingIsDecided(t *testing.T) {
	for name, odd := range map[string]string{"a refusal": "", "a page": "<html>", "no list": `{"incoming":["192.0.2.0/24"]}`} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &metaServer{body: odd}
				h := newHarness(t, receiver.Config{MackerelOnly: true, Client: &http.Client{Transport: m}}, nil)
				w := h.want(t, 503, body, from("192.0.2.1:1"))
				e, ok := errors.AsType[*mackerel.Error](h.last().Err)
				if w.Header().Get("Retry-After") != "10" || !ok || e.Kind != mackerel.ErrUnavailable || e.Err == nil {
					t.Errorf("Retry-After %q, %+v", w.Header().Get("Retry-After"), e)
				}
				gets := m.gets
				h.want(t, 503, body, from("192.0.2.1:1"))
				m.wantGets(t, gets)
				m.set(ranges)
				time.Sleep(10 * time.Second)
				h.want(t, 200, body, from("192.0.2.1:1"))
				h.wantCalls(t, 1, 0)
			})
		})
	}
}

func TestRequestsAtTheSameTimeFetchOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &metaServer{body: ranges, takes: 2 * time.Second}
		h := newHarness(t, receiver.Config{MackerelOnly: true, Client: &http.Client{Transport: m}}, nil)
		var wg sync.WaitGroup
		for n := range 20 {
			wg.Go(func() { h.want(t, 200, numbered(n), from("192.0.2.1:1")) })
		}
		wg.Wait()
		m.wantGets(t, 1)
	})
}

// The server of the addresses hangs. The answer does not wait for it longer than half of the time.
func TestAFetchThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &metaServer{body: ranges}
		h := newHarness(t, receiver.Config{MackerelOnly: true, Client: &http.Client{Transport: m}}, nil)
		h.want(t, 200, body, from("192.0.2.1:1"))
		m.takes = time.Hour
		time.Sleep(time.Hour)
		start := time.Now()
		h.want(t, 200, body, from("192.0.2.1:1"))
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("took %v", took)
		}
		h.wantCalls(t, 2, 0)
	})
}
