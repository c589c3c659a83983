package mackerel

import "testing"

// FuzzOutgoing reads any answer as the list of addresses.
func FuzzOutgoing(f *testing.F) {
	f.Add([]byte(`{"outgoing":["192.0.2.0/24","192.0.2.7","x","0.0.0.0/0"],"outgoing_ipv6":["2001:db8::/32","fe80::1%eth0"]}`))
	f.Add([]byte(`{"outgoing":null}`))
	f.Add([]byte(`{"outgoing":[5]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, p := range outgoing(body) {
			if !p.IsValid() || !p.Contains(p.Addr()) {
				t.Errorf("%v is no prefix", p)
			}
		}
	})
}
