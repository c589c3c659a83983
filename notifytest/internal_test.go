package notifytest

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

const secret = `s/cr+t"key`

func TestSieveFindsEveryForm(t *testing.T) {
	var inLog strings.Builder
	slog.New(slog.NewJSONHandler(&inLog, nil)).Info("x", "v", secret)
	basicHeader := "Basic " + base64.StdEncoding.EncodeToString([]byte("ops:"+secret))
	sieve := sieveOf([]string{secret}, []fakehttp.Request{{Header: http.Header{
		"Authorization": {"Bearer x", "Basic not base64", "Basic b3RoZXI=", basicHeader},
	}}})
	for name, text := range map[string]string{
		"as it is":          "x" + secret + "y",
		"in a query":        "http://a.test/?k=" + url.QueryEscape(secret),
		"in a path":         "http://a.test/" + url.PathEscape(secret),
		"in lower case":     strings.ToLower(url.QueryEscape(secret)),
		"in JSON":           inLog.String(),
		"in JSON as of PHP": `s\/cr+t"key`,
		"in %q":             fmt.Sprintf("%q", secret),
		"as bytes":          fmt.Sprintf("%v", []byte(secret)),
		"as bytes in Go":    fmt.Sprintf("%#v", struct{ b []byte }{[]byte(secret)}),
		"in base64":         base64.StdEncoding.EncodeToString([]byte(secret)),
		"as a password":     basicHeader,
	} {
		if _, found := sieve.find(text); !found {
			t.Errorf("the secret %s is not found in %q", name, text)
		}
	}
	for _, innocent := range []string{"", "s/cr+t", "[redacted]", "Bearer x"} {
		if f, found := sieve.find(innocent); found {
			t.Errorf("%q is found in %q", f.text, innocent)
		}
	}
}

func TestContentIsDecoded(t *testing.T) {
	const form, inJSON = "application/x-www-form-urlencoded", "application/json; charset=utf-8"
	for _, c := range []struct {
		name, contentType, query, body string
		want                           []string
	}{
		{"a query", "", "wait=a%20b", "", []string{"wait", "a b"}},
		{"a form", form, "", "body=%E9%9A%9C%E5%AE%B3+1&x=y", []string{"body", "障害 1", "y"}},
		{"a broken form", form, "", "body=%zz", []string{"body=%zz"}},
		{"JSON in a form", form, "", "payload=%7B%22a%22%3A%5B%22%5Cu969c%22%5D%7D", []string{"payload", "a", "障"}},
		{"JSON", inJSON, "", ` {"text":"a\nb","blocks":[{"t":"\ud83d\udd25"},7]}`, []string{"text", "a\nb", "🔥"}},
		{"JSON in JSON", inJSON, "", `{"Detail":"{\"x\":\"\\u969c\"}"}`, []string{"Detail", "障"}},
		{"what is not UTF-8", inJSON, "", "{\"a\":\"\xff\"}", []string{"\xff"}},
		{"half a pair of surrogates", inJSON, "", `{"a":"\ud83d"}`, []string{"\uFFFD"}},
		{"a text", "text/plain", "", "[toall] a", []string{"[toall] a"}},
	} {
		header := http.Header{"Content-Type": {c.contentType}}
		got := content([]fakehttp.Request{{Query: c.query, Header: header, Body: []byte(c.body)}})
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is not in %q", c.name, want, got)
			}
		}
	}
}

type counting struct{ http.Handler }

func (counting) Accepted() int { return 7 }

func TestHarnessThatCannotBeTried(t *testing.T) {
	newNotifier := func(testing.TB, Env) mackerel.Notifier { return nil }
	count := func() int { return 0 }
	for _, c := range []struct {
		name string
		h    Harness
		want string
	}{
		{"nothing is wrong", Harness{New: newNotifier, Count: count, Secrets: []string{"secret"}}, ""},
		{"the fake counts", Harness{New: newNotifier, Fake: counting{}}, ""},
		{"New is missing", Harness{Count: count}, "no New"},
		{"Count is missing", Harness{New: newNotifier, Fake: http.NotFoundHandler()}, "no Count"},
		{"Count and Fake are missing", Harness{New: newNotifier}, "no Count"},
		{"a secret is too short", Harness{New: newNotifier, Count: count, Secrets: []string{"s3cr3"}}, "6 bytes"},
		{"a key is too short", Harness{New: newNotifier, Count: count, Keys: []string{""}}, "6 bytes"},
	} {
		if got := c.h.problem(); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: the problem is %q", c.name, got)
		}
	}
}

func TestCountGoesBeforeAccepted(t *testing.T) {
	if got := (Harness{Fake: counting{}}).count(); got != 7 {
		t.Errorf("without Count, %d messages are counted; want 7", got)
	}
	if got := (Harness{Fake: counting{}, Count: func() int { return 3 }}).count(); got != 3 {
		t.Errorf("with Count, %d messages are counted; want 3", got)
	}
}

func TestRowsThatAreSkipped(t *testing.T) {
	fake := http.NotFoundHandler()
	for _, c := range []struct {
		name string
		r    row
		h    Harness
		want string
	}{
		{"all can be tried", row{needs: withRepeats}, Harness{Fake: fake}, ""},
		{"a service without HTTP", row{needs: overHTTP}, Harness{}, "the service does not speak HTTP"},
		{"a service without HTTP, a row without faults", row{}, Harness{}, ""},
		{"a single attempt", row{needs: withRepeats}, Harness{Fake: fake, SingleAttempt: true}, "a single attempt"},
		{"a single attempt, a row without repeats", row{needs: overHTTP}, Harness{Fake: fake, SingleAttempt: true}, ""},
	} {
		if got := c.r.skip(c.h); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestPlanBeginsWithThePairThatClearsMostRows(t *testing.T) {
	a, b, c, d := repair{what: "a"}, repair{what: "b"}, repair{what: "c"}, repair{what: "d"}
	for _, tt := range []struct {
		name string
		rows [][]repair
		want string
	}{
		{"a single repair", [][]repair{{a}, {a, a}}, "a"},
		{"two repairs", [][]repair{{b}, {a}, {a}}, "ab"},
		{"two that clear little alone", [][]repair{{a}, {b}, {c, d}, {d, c}, {c, d}}, "cdab"},
		{"the most frequent repair clears nothing alone", [][]repair{{a, b}, {a, c}, {a, d}, {b}, {c}, {c}}, "cabd"},
	} {
		var all report
		for _, repairs := range tt.rows {
			var f failure
			for _, one := range repairs {
				f.complaints = append(f.complaints, complaint{one, "no"})
			}
			all.failures = append(all.failures, f)
		}
		var got strings.Builder
		for _, one := range all.plan() {
			got.WriteString(one.what)
		}
		if got.String() != tt.want {
			t.Errorf("%s: the plan is %s; want %s", tt.name, &got, tt.want)
		}
	}
}

func TestComplaintsArePrintable(t *testing.T) {
	var s stage
	s.complain(repair{}, "a\x00b\x1b[31m\xff\n\tc")
	s.complain(repair{}, strings.Repeat("x", 8<<20))
	if got, want := s.complaints[0].text, "a\uFFFDb\uFFFD[31m\uFFFD\n\tc"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
	if got := s.complaints[1].text; len(got) > 2*maxText || !strings.HasSuffix(got, "(8388608 bytes)") {
		t.Errorf("%d bytes are kept, which end in %q", len(got), got[len(got)-20:])
	}
}
