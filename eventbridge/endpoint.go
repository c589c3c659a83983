package eventbridge

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// maxBus is the longest name or ARN of an event bus, in characters.
// See https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html.
const maxBus = 1600

// check notes all that is wrong with a configuration, and returns the address of PutEvents.
func (c Config) check(p *provider.Problems) *url.URL {
	switch {
	case c.Region == "":
		p.Add("Region", "required")
	case !isLabel(c.Region):
		p.Add("Region", "not a region's name, such as ap-northeast-1")
	}
	p.Require("Credentials", c.Credentials != nil)
	if len(c.EventBus) > maxBus || strings.ContainsFunc(c.EventBus, notInBus) {
		p.Add("EventBus", "not the name or ARN of an event bus")
	}
	p.Add("Source", sourceProblem(c.Source))
	p.Add("DetailType", detailTypeProblem(c.DetailType))
	if c.MaxEntry < 0 || c.MaxEntry > MaxEntry {
		p.Add("MaxEntry", "must not be negative or more than "+strconv.Itoa(MaxEntry))
	}
	p.Common(c.Level, c.Text)
	p.Call(c.Call)
	if c.BaseURL == "" {
		return &url.URL{Scheme: "https", Host: host(c.Region), Path: "/"}
	}
	u, problem := transport.ParseBase(c.BaseURL)
	p.Add("BaseURL", problem)
	if u != nil && u.Path == "" {
		u.Path = "/"
	}
	return u
}

// isLabel reports whether s can be a part of a host's name and of a signature's scope.
func isLabel(s string) bool {
	return len(s) <= 63 && strings.Trim(s, "-") == s && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	}) < 0
}

func notInBus(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && !strings.ContainsRune("/.-_:", r)
}

// domains are those of AWS's partitions by the beginning of their regions' names. All others, GovCloud among them, are in
// amazonaws.com. See https://docs.aws.amazon.com/general/latest/gr/ev.html; a test compares them with the SDK's.
var domains = []struct{ region, domain string }{
	{"cn-", "amazonaws.com.cn"},
	{"eusc-", "amazonaws.eu"},
	{"us-iso-", "c2s.ic.gov"},
	{"us-isob-", "sc2s.sgov.gov"},
	{"us-isof-", "csp.hci.ic.gov"},
	{"eu-isoe-", "cloud.adc-e.uk"},
}

// host is that of a region's endpoint.
func host(region string) string {
	for _, d := range domains {
		if strings.HasPrefix(region, d.region) {
			return "events." + region + "." + d.domain
		}
	}
	return "events." + region + ".amazonaws.com"
}
