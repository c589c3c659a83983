package receiver

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// How long the addresses of Mackerel are used, and how long after a fetch the next may begin. Mackerel does not say
// how often they change.
const (
	addressesAge  = time.Hour
	fetchPause    = time.Minute
	firstAttempts = 10 * time.Second // the pause as long as there are no addresses
)

// senders are the addresses from which Mackerel sends.
type senders struct {
	client   *http.Client
	proxies  []netip.Prefix
	timeout  time.Duration // of a fetch
	fetching chan struct{} // has an element during a fetch

	mu      sync.Mutex
	known   []netip.Prefix // of the last fetch that succeeded; nil if none did
	fetched time.Time      // when known was fetched
	tried   time.Time      // the end of the last fetch
	err     error          // of the last fetch
}

// newSenders fetches within half of the time for an answer, so that the rest is for the delivery.
func newSenders(c Config) *senders {
	return &senders{
		client: c.Client, proxies: slices.Clone(c.TrustedProxies), timeout: c.Answer / 2, fetching: make(chan struct{}, 1),
	}
}

// refuse returns nil if the sender of a request is Mackerel.
func (s *senders) refuse(ctx context.Context, r *http.Request) *mackerel.Error {
	sender := s.sender(r)
	if sender.IsValid() && s.due(sender) {
		s.fetch(ctx, sender)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case contains(s.known, sender):
		return nil
	case sender.IsValid() && s.known == nil:
		e := refusal(http.StatusServiceUnavailable, "the addresses of Mackerel are not known")
		e.Err, e.RetryAfter = s.err, firstAttempts
		return e
	}
	return refusal(http.StatusForbidden, "the sender is not among the addresses of Mackerel")
}

// due reports whether the addresses are to be fetched for a sender.
func (s *senders) due(sender netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	pause := fetchPause
	if s.known == nil {
		pause = firstAttempts
	}
	if time.Since(s.tried) < pause {
		return false
	}
	return time.Since(s.fetched) >= addressesAge || !contains(s.known, sender)
}

// fetch fetches the addresses, or waits until another request has fetched them.
func (s *senders) fetch(ctx context.Context, sender netip.Addr) {
	select {
	case s.fetching <- struct{}{}:
		defer func() { <-s.fetching }()
	case <-ctx.Done():
		return
	}
	if !s.due(sender) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	known, err := mackerel.OutgoingAddresses(ctx, mackerel.CallOptions{Client: s.client})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried, s.err = time.Now(), err
	if err == nil {
		s.known, s.fetched = known, s.tried
	}
}

// sender returns the address of the sender. It is invalid if a trusted proxy does not say who that is.
func (s *senders) sender(r *http.Request) netip.Addr {
	sender := parseAddr(r.RemoteAddr)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && contains(s.proxies, sender); i-- {
		sender = parseAddr(strings.TrimSpace(hops[i]))
	}
	return sender
}

// parseAddr reads an address with or without a port. An IPv4 address within IPv6 is an IPv4 address.
func parseAddr(s string) netip.Addr {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		withPort, _ := netip.ParseAddrPort(s)
		addr = withPort.Addr()
	}
	return addr.Unmap().WithZone("")
}

func contains(all []netip.Prefix, a netip.Addr) bool {
	for _, p := range all {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
