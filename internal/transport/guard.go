package transport

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
)

// errNotPublic says nothing about the address: whoever gave the URL may read the error, and is not to learn from it how
// names resolve inside.
const errNotPublic = constError("the host's address is not public")

type constError string

func (e constError) Error() string { return string(e) }

// ErrOwnDialer is the error of Guard for a client that dials in a way of its own.
var ErrOwnDialer = errors.New("a Client whose Transport is not an *http.Transport dials by itself and cannot be guarded")

// Guard keeps the transport from connecting to anything but public addresses, for URLs that come from somebody else. It
// is to be called before the first call. What counts is the address that is dialed, seen after the name was resolved and
// before anything is sent, so neither a name that resolves to something else the next time nor another way of writing
// an address gets around it. An attempt that is refused is Invalid, and none follows.
//
// The connections are made by a dialer of ours. Of a caller's *http.Transport everything is kept but its dialers and its
// Proxy, which would resolve the name where nobody sees it. Any other RoundTripper is ErrOwnDialer.
func (t *Transport) Guard() error {
	var base http.RoundTripper
	if t.options.Client != nil {
		base = t.options.Client.Transport
	}
	if base == nil {
		t.pooled, t.fresh = sharedGuarded()
		return nil
	}
	std, ok := base.(*http.Transport)
	if !ok {
		return ErrOwnDialer
	}
	t.pooled, t.fresh = guarded(std, guardedDialer(isPublic))
	return nil
}

// sharedGuarded are the guarded transports of everybody who brings no client.
var sharedGuarded = sync.OnceValues(func() (pooled, fresh roundTripper) {
	t, _ := shared()
	return guarded(t.RoundTripper.(*http.Transport), guardedDialer(isPublic)) //nolint:forcetypeassert // shared makes it
})

// guarded is a transport like base that makes its connections with the dialer, and has none yet.
func guarded(base *http.Transport, d *net.Dialer) (pooled, fresh roundTripper) {
	t := base.Clone()
	t.Proxy = nil
	t.DialContext = d.DialContext
	t.DialTLSContext = nil
	t.Dial, t.DialTLS = nil, nil //nolint:staticcheck // deprecated, but they would be used
	if len(t.TLSNextProto) > 0 { // the caller's HTTP/2, with connections of its own
		t.TLSNextProto, t.ForceAttemptHTTP2 = nil, true
	}
	return roundTripper{t, true}, roundTripper{withoutPool(t), true}
}

// guardedDialer returns a dialer that connects to allowed addresses only.
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

// notPublic are the parts of the public space that are not: see the special-purpose registries of IANA,
// https://www.iana.org/assignments/iana-ipv4-special-registry and https://www.iana.org/assignments/iana-ipv6-special-registry.
// What [netip.Addr] knows by itself, such as loopback and private networks, is not in it.
var notPublic = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4",
	"168.63.129.16/32", // the platform itself, as every machine in Azure sees it
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

var (
	publicIPv6 = netip.MustParsePrefix("2000::/3")     // all that is assigned
	nat64      = netip.MustParsePrefix("64:ff9b::/96") // an IPv4 address, as networks without IPv4 reach it
)

func prefixes(all ...string) []netip.Prefix {
	list := make([]netip.Prefix, 0, len(all))
	for _, s := range all {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

// isPublic reports whether an address is one of the Internet's. Public addresses that belong to the caller are public.
func isPublic(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !publicIPv6.Contains(a) {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
