package provider

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
)

// What Mackerel itself writes for a metric is left out, because the first line says the same. All other words stay.
func TestWhichMessagesAreMackerelsOwn(t *testing.T) {
	a := mackerel.Alert{Monitor: mackerel.Monitor{Name: "Shop - orders"}, Metric: &mackerel.Metric{Label: "orders.count"}}
	for message, want := range map[string]bool{
		"Shop - orders 91": true, "orders 91": true, "orders.count 91.5 > 90": true, "orders -1e-5 < 0": true,
		"orders 91 = 90": false, "orders a > 90": false, "orders 91 > b": false, "orders 91 >": false, "orders 91 > 90 now": false,
		"orders .": false, "91 > 90": false, "91": false, "backup failed": false, "orders": false, "orders failed": false,
	} {
		if got := isMetricMessage(a, message); got != want {
			t.Errorf("%q: %t", message, got)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		v        float64
		decimals int
		want     string
	}{
		{-0.4, 0, "0"}, {0, 2, "0"}, {-1.50, 2, "-1.5"}, {1234, 0, "1234"}, {12345.5, 1, "12,345.5"}, {-123456, 0, "-123,456"},
		{1234567, 2, "1,234,567"}, {math.Inf(-1), 2, "-Inf"}, {math.NaN(), 2, "NaN"},
	} {
		if got := number(c.v, c.decimals); got != c.want {
			t.Errorf("%v is %q, want %q", c.v, got, c.want)
		}
	}
	for v, want := range map[float64]int{0: 2, 1: 2, -250: 2, 0.5: 3, 0.0123: 4} {
		if got := decimals(v); got != want {
			t.Errorf("%v has %d decimals, want %d", v, got, want)
		}
	}
	if decimals(math.NaN()) != 2 || holds(1, ">", 1) || holds(1, "<", 1) || !holds(1, "?", 1) {
		t.Error("NaN has decimals, or a comparison holds that does not")
	}
}

func TestBytes(t *testing.T) {
	m := measure{scale: true}
	for v, want := range map[float64]string{999: "999 B", 1000: "1 kB", 2e12: "2 TB", 5e16: "50,000 TB", math.Inf(1): "+Inf B"} {
		if got := m.number(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
	if got := measureOf("host", "memory."+strings.Repeat("x", 993), true); !got.scale {
		t.Error("a name of 1,000 bytes is not looked at")
	}
	if got := measureOf("host", "memory."+strings.Repeat("x", 994), true); got.scale {
		t.Error("a name of 1,001 bytes is looked at")
	}
}

func TestSummary(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, c := range []struct {
		name, title, text         string
		line, restTitle, restText string
		from, to                  int // of the cut; none if both are 0
	}{
		{"both are whole", "T", "one\ntwo", "T: one", "", "two", 0, 0},
		{"no text", "T", "", "T", "", "", 0, 0},
		{"no title", "", "one\ntwo", "one", "", "two", 0, 0},
		{"no title, and the first line is cut", "", long + "\ntwo", strings.Repeat("x", 99) + "…", "", long + "\ntwo", 200, 100},
		{"the first line is cut", "T", long + "\ntwo", "T: " + strings.Repeat("x", 96) + "…", "", long + "\ntwo", 203, 100},
		{"the title is cut", long, "one", strings.Repeat("x", 50) + "…" + strings.Repeat("x", 49), long, "one", 205, 100},
		{"the title is cut, and there is no text", long, "", strings.Repeat("x", 50) + "…" + strings.Repeat("x", 49), long, "", 200, 100},
		{"too little room for the first line", strings.Repeat("t", 92), long, strings.Repeat("t", 92), "", long, 294, 92},
		{"just room for the first line", strings.Repeat("t", 88), long, strings.Repeat("t", 88) + ": xxxxxxxxx…", "", long, 290, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &Cutter{Unit: Runes}
			line, restTitle, restText := k.Summary("line", c.title, c.text, 100)
			if line != c.line || restTitle != c.restTitle || restText != c.restText {
				t.Errorf("%q, %q, %q", line, restTitle, restText)
			}
			var want []mackerel.Cut
			if c.from > 0 {
				want = []mackerel.Cut{{Field: "line", Unit: "runes", From: c.from, To: c.to}}
			}
			if !slices.Equal(k.Cuts, want) {
				t.Errorf("cuts %+v, want %+v", k.Cuts, want)
			}
		})
	}
}

func TestEmptyLine(t *testing.T) {
	for text, want := range map[string]bool{"": true, " \n\t\u3000": true, "\x00\u2028": true, "a": false, " 障 ": false} {
		if got := EmptyLine(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

func TestLinesOfFacts(t *testing.T) {
	facts := []mackerel.Fact{{Label: "a", Value: "1"}, {Value: "2"}, {Label: "b"}}
	if got := Lines(facts); got != "a: 1\n2\nb: " {
		t.Errorf("%q", got)
	}
	if Line(facts[0]) != "a: 1" || Line(facts[1]) != "2" || Line(facts[2]) != "" {
		t.Errorf("%q, %q, %q", Line(facts[0]), Line(facts[1]), Line(facts[2]))
	}
}

// A service's page is known from the service, or beside the page of an alert on mackerel.io.
func TestServiceURL(t *testing.T) {
	page := func(service, url string) mackerel.Role {
		return mackerel.Role{Service: service, ServiceURL: url}
	}
	const alerts = "https://mackerel.io/orgs/acme/alerts/5A"
	for _, c := range []struct {
		name, url, service string
		roles              []mackerel.Role
		want               string
	}{
		{"beside the alert", alerts, "Shop", nil, "https://mackerel.io/orgs/acme/services/Shop"},
		{"of a role", alerts, "Shop", []mackerel.Role{page("Shop", "https://x.test/Shop")}, "https://x.test/Shop"},
		{"of a role without a service", alerts, "Shop", []mackerel.Role{page("", "https://x.test/Shop")}, "https://x.test/Shop"},
		{"of another service's role", alerts, "Shop", []mackerel.Role{page("Blog", "https://x.test/Blog")}, "https://mackerel.io/orgs/acme/services/Shop"},
		{"of a role without a page", alerts, "Shop", []mackerel.Role{page("Shop", "")}, "https://mackerel.io/orgs/acme/services/Shop"},
		{"another host", "https://evil.test/orgs/acme/alerts/5A", "Shop", nil, ""},
		{"a host that looks like Mackerel's", "https://notmackerel.io/orgs/acme/alerts/5A", "Shop", nil, ""},
		{"no page of an alert", "https://mackerel.io/orgs/acme", "Shop", nil, ""},
		{"no name of a service", alerts, "../../x", nil, ""},
	} {
		a := mackerel.Alert{URL: c.url, Service: &mackerel.Service{Name: c.service, Roles: c.roles}}
		if got := serviceURL(a); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
