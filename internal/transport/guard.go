package transport

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"syscall"
)

// errNotPublic does not name the address. The error may be shown to the person who chose the URL, who must not learn
// from it how names resolve in the internal network.
var errNotPublic = errors.New("the host's address is not public")

// ErrOwnDialer is the error of Guard for a RoundTripper that is not an *http.Transport.
var ErrOwnDialer = errors.New("a Client without an *http.Transport dials by itself and cannot be guarded")

// Guard keeps the transport from connecting to addresses that are not public, for URLs that somebody else chose. Call
// it before the first call. The address is checked when it is dialed, after the name was resolved and before anything
// is sent. So it does not matter how the address is written, or what the name resolves to at another time. A refused
// attempt is Invalid and not repeated.
//
// A caller's *http.Transport is copied without its dialers, because ours makes the connections, and without its
// Proxy, because a proxy resolves names itself. Any other RoundTripper is [ErrOwnDialer].
func (t *Transport) Guard() error {
	switch base := t.base.(type) {
	case nil:
		t.ways = sharedGuarded()
	case *http.Transport:
		t.ways = guarded(base, guardedDialer(isPublic))
	default:
		return ErrOwnDialer
	}
	return nil
}

// sharedGuarded returns the guarded ways of all transports without a client of the caller's.
var sharedGuarded = sync.OnceValue(func() ways {
	base := shared().pooled.(*http.Transport) //nolint:forcetypeassert // shared makes it
	return guarded(base, guardedDialer(isPublic))
})

// guarded returns ways with the settings of base, the given dialer and no connections yet.
func guarded(base *http.Transport, d *net.Dialer) ways {
	t := base.Clone()
	t.Proxy = nil
	t.DialContext = d.DialContext
	t.DialTLSContext = nil
	t.Dial, t.DialTLS = nil, nil //nolint:staticcheck // deprecated, but they would be used
	if len(t.TLSNextProto) > 0 { // the caller's HTTP/2, which has connections of its own
		t.TLSNextProto, t.ForceAttemptHTTP2 = nil, true
	}
	return both(t)
}

// guardedDialer returns a dialer that connects only to addresses that are allowed.
func guardedDialer(allowed func(netip.Addr) bool) *net.Dialer {
	return &net.Dialer{
		Timeout: DefaultTimeout,
		Control: func(_, address string, _ syscall.RawConn) error {
			if ap, err := netip.ParseAddrPort(address); err != nil || !allowed(ap.Addr()) {
				return errNotPublic
			}
			return nil
		},
	}
}

// notPublic are the special-purpose networks of
// https://www.iana.org/assignments/iana-ipv4-special-registry and
// https://www.iana.org/assignments/iana-ipv6-special-registry that [netip.Addr] does not know, such as shared address
// space and documentation.
var notPublic = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4",
	"168.63.129.16/32", // the platform's services in Azure
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

var (
	publicIPv6 = netip.MustParsePrefix("2000::/3")     // all public addresses that are assigned
	nat64      = netip.MustParsePrefix("64:ff9b::/96") // IPv4 addresses, as networks without IPv4 reach them
)

func prefixes(all ...string) []netip.Prefix {
	list := make([]netip.Prefix, 0, len(all))
	for _, s := range all {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

// isPublic reports whether an address is reachable from the Internet. It does not know which public addresses belong
// to the caller.
func isPublic(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !publicIPv6.Contains(a) {
		return false
	}
	return !slices.ContainsFunc(notPublic, func(p netip.Prefix) bool { return p.Contains(a) })
}
