package mackerel

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// OutgoingAddresses returns the addresses from which Mackerel sends webhooks: the lists outgoing and outgoing_ipv6 of
// https://mackerel.io/meta/ip-ranges.json. It needs no API key. Mackerel may change the lists at any time. The requests
// of external monitors come from the same addresses, so an address does not prove that a request is a webhook.
//
// An entry that is not an address or a prefix is left out. Without any address the error is [ErrUnavailable].
func OutgoingAddresses(ctx context.Context, options CallOptions) ([]netip.Prefix, error) {
	op := operation{name: "list outgoing addresses", method: http.MethodGet, repeat: transport.Replay}
	options.UserAgent = cmp.Or(options.UserAgent, UserAgent)
	call := transport.Options[Delivery, Attempt, Pace](options)
	if problems := call.Problems(); len(problems) > 0 {
		return nil, &Error{Provider: provider, Op: op.name, Kind: ErrConfig, Message: strings.Join(problems, "; ")}
	}
	t := transport.New(provider, call)
	u := &url.URL{Scheme: "https", Host: "mackerel.io", Path: "/meta/ip-ranges.json"}
	var all []netip.Prefix
	r := t.Do(ctx, transport.Request{
		Op: op.name, Method: op.method, URL: u, Header: t.Header("Accept", "application/json")(), Repeat: op.repeat,
		Limit: maxRangesBytes, Lanes: []transport.Lane{t.Lane(transport.Limit{}, u.Host)},
		Judge: func(r *transport.Result) {
			if r.Class != transport.Done {
				return
			}
			if all = outgoing(r.Body); len(all) == 0 {
				r.Class, r.Err = transport.Ambiguous, errUndocumented
			}
		},
	})
	if r.Class != transport.Done {
		return nil, (&Client{transport: t}).failure(op, r)
	}
	return all, nil
}

// maxRangesBytes is the room for the answer. Mackerel's has a few hundred bytes.
const maxRangesBytes = 1 << 20

// outgoing reads the lists outgoing and outgoing_ipv6, which hold prefixes such as "192.0.2.0/24".
func outgoing(body []byte) (all []netip.Prefix) {
	var ranges struct {
		IPv4 []string `json:"outgoing"`
		IPv6 []string `json:"outgoing_ipv6"`
	}
	if json.Unmarshal(body, &ranges, lenient) != nil {
		return nil
	}
	for _, s := range append(ranges.IPv4, ranges.IPv6...) {
		if p, err := netip.ParsePrefix(s); err == nil {
			all = append(all, p)
		} else if a, err := netip.ParseAddr(s); err == nil {
			all = append(all, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return all
}
