package receiver

import (
	"net/http"
	"net/netip"
	"testing"
)

// FuzzSender checks that a client cannot choose its address: what stands in X-Forwarded-For in front of the first
// address that is not a trusted proxy changes nothing.
func FuzzSender(f *testing.F) {
	f.Add("10.0.0.1:80", "192.0.2.1", "198.51.100.7")
	f.Add("10.0.0.1", "192.0.2.1, 10.0.0.2", "x")
	f.Add("[::ffff:10.0.0.1]:80", "[2001:db8::1%eth0]:443,\t10.0.0.9:1", ",,")
	f.Add("192.0.2.9:1", "10.0.0.1", "10.0.0.1")
	f.Fuzz(func(t *testing.T, remote, forwarded, forged string) {
		s := newSenders(Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
		sender := func(forwarded ...string) netip.Addr {
			return s.sender(&http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": forwarded}})
		}
		peer, got := parseAddr(remote), sender(forwarded)
		if !contains(s.proxies, peer) && got != peer {
			t.Errorf("%q without a proxy is %v", remote, got)
		}
		if contains(s.proxies, got) {
			return // all hops are proxies, so the next in front would be the sender
		}
		if again, listed := sender(forged+","+forwarded), sender(forged, forwarded); again != got || listed != got {
			t.Errorf("%v became %v and %v by %q", got, again, listed, forged)
		}
	})
}
