package eventbridge

import (
	"net/url"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
)

// endpoint returns the address of PutEvents: the base URL or, unless it is set, the region's endpoint.
func endpoint(p *provider.Problems, base, region string) *url.URL {
	if base == "" {
		return &url.URL{Scheme: "https", Host: "events." + region + "." + domain(region), Path: "/"}
	}
	u := p.Base("BaseURL", base, "")
	if u != nil && u.Path == "" {
		u.Path = "/"
	}
	return u
}

// domains are those of AWS's partitions, by the beginning of their regions' names. All other regions, GovCloud's too,
// are in amazonaws.com. See https://docs.aws.amazon.com/general/latest/gr/ev.html. A test compares them with the SDK's.
var domains = []struct{ region, domain string }{
	{"cn-", "amazonaws.com.cn"},
	{"eusc-", "amazonaws.eu"},
	{"us-iso-", "c2s.ic.gov"},
	{"us-isob-", "sc2s.sgov.gov"},
	{"us-isof-", "csp.hci.ic.gov"},
	{"eu-isoe-", "cloud.adc-e.uk"},
}

func domain(region string) string {
	for _, d := range domains {
		if strings.HasPrefix(region, d.region) {
			return d.domain
		}
	}
	return "amazonaws.com"
}

// maxLabel is the longest label of a host's name, in bytes (https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4).
const maxLabel = 63

// isLabel reports whether s can be a part of a host's name and of a signature's scope.
func isLabel(s string) bool {
	return len(s) <= maxLabel && strings.Trim(s, "-") == s &&
		strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }) < 0
}

// maxBus is the longest name or ARN of an event bus, in characters.
// See https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html.
const maxBus = 1600

// isBus reports whether s can be the name or the ARN of an event bus, or is empty.
func isBus(s string) bool {
	return len(s) <= maxBus && strings.IndexFunc(s, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("/.-_:", r)
	}) < 0
}
