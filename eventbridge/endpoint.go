package eventbridge

import (
	"net/url"
	"regexp"
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

// regionForm is the form of the names of AWS's regions, so that "tokyo" and the zone ap-northeast-1a are refused.
var regionForm = regexp.MustCompile(`^[a-z]{2,10}(-[a-z]{1,10}){1,4}-[0-9]{1,2}$`)

// label is the form of a part of a host's name (https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4).
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// maxBus is the longest name or ARN of an event bus, in characters.
// See https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html.
const maxBus = 1600

// bus is the form of the name or the ARN of an event bus.
var bus = regexp.MustCompile(`^[A-Za-z0-9/._:-]*$`)
