package transport

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"testing"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

func TestOnlyAddressesOfTheInternetArePublic(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "99.255.255.255": true, "100.128.0.1": true, "172.32.0.1": true, "192.169.0.1": true,
		"169.253.255.255": true, "198.20.0.1": true, "2606:4700:4700::1111": true, "64:ff9b::808:808": true, "::ffff:8.8.8.8": true,

		"127.0.0.1": false, "127.255.255.254": false, "0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "172.16.0.1": false,
		"172.31.255.255": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false, "100.100.100.200": false,
		"192.0.0.192": false, "192.0.2.1": false, "192.88.99.1": false, "198.18.0.1": false, "198.51.100.1": false,
		"203.0.113.1": false, "224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false, "168.63.129.16": false,

		"::": false, "::1": false, "::127.0.0.1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "fe80::1": false,
		"fe80::1%eth0": false, "fc00::1": false, "fd00:ec2::254": false, "fec0::1": false, "ff02::1": false, "100::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a00:1": false, "64:ff9b:1::808:808": false, "2001::1": false, "2001:db8::1": false,
		"2002:7f00:1::": false, "3fff::1": false, "5f00::1": false, "4000::1": false, "::ffff:0:127.0.0.1": false,
	} {
		if got := isPublic(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %t, want %t", address, got, want)
		}
	}
	if isPublic(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}

// A name may resolve to another address at the next dial. The test lets only the first dial find a public address.
func TestTheAddressIsCheckedAtEachDial(t *testing.T) {
	s := fakehttp.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	for _, repeat := range []Repeat{Once, Message, Replay} {
		var dialed []string
		dialer := guardedDialer(func(a netip.Addr) bool {
			dialed = append(dialed, a.String())
			return len(dialed) == 1
		})
		tr := New("test", Options[Delivery, Attempt, Pace]{MaxAttempts: 2})
		tr.ways = guarded(&http.Transport{DisableKeepAlives: true}, dialer)
		request := Request{Op: "post", Method: http.MethodPost, URL: u, Header: http.Header{}, Repeat: repeat}
		if r := tr.Do(t.Context(), request); r.Class != NotFound {
			t.Fatalf("the public address: %+v", r)
		}
		r := tr.Do(t.Context(), request)
		if r.Class != Invalid || r.Attempts != 1 || !errors.Is(r.Err, errNotPublic) || r.Err.Error() != errNotPublic.Error() {
			t.Errorf("the private address: %+v", r)
		}
		if len(dialed) != 2 || dialed[1] != "127.0.0.1" {
			t.Errorf("dialed %q", dialed)
		}
	}
	if n := len(s.Requests()); n != 3 {
		t.Errorf("%d requests arrived, want 3", n)
	}
}

func TestAGuardedTransportKeepsTheSettings(t *testing.T) {
	base := &http.Transport{MaxResponseHeaderBytes: 4096, Proxy: http.ProxyFromEnvironment}
	base.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{"h2": nil}
	w := guarded(base, guardedDialer(isPublic))
	for _, rt := range []http.RoundTripper{w.pooled, w.fresh} {
		tr := rt.(*http.Transport)
		if next, ok := tr.TLSNextProto["h2"]; ok && next == nil {
			t.Error("it has the caller's HTTP/2, and with it its connections")
		}
		if tr.MaxResponseHeaderBytes != 4096 {
			t.Error("it has lost a setting")
		}
	}
	withoutHTTP2 := &http.Transport{TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	tr := guarded(withoutHTTP2, guardedDialer(isPublic)).pooled.(*http.Transport)
	if tr.TLSNextProto == nil || tr.ForceAttemptHTTP2 {
		t.Error("it has HTTP/2, which the caller has switched off")
	}
	if base.Proxy == nil || base.DialContext != nil || len(base.TLSNextProto) != 1 {
		t.Error("the caller's transport was changed")
	}
}
