package provider

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
)

func TestHook(t *testing.T) {
	for _, c := range []struct{ name, address, problem string }{
		{"an address is required", "", "required"},
		{"an address with a host will do", "https://hooks.test/services/T0", ""},
		{"a port and a query are left alone", "https://hooks.test:443/invoke?sp=%2Fa%2fb&sig=x%3D", ""},
		{"other schemes will not do", "ftp://hooks.test/secret-path", "not an http or https URL"},
		{"what is no address will not do", "secret-path\n", "not a URL"},
		{"a blank is a mistake of copying", "https://hooks.test/secret-path ", "has a blank or a line break"},
		{"a wide blank is one too", "https://hooks.test/secret-path\u3000", "has a blank or a line break"},
		{"a control character is one too", "https://hooks.test/secret-path\u0080", "has a blank or a line break"},
		{"a fragment would be lost", "https://hooks.test/secret-path#x", "has a fragment, which is never sent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p Problems
			u := p.Hook("URL", mackerel.NewSecret(c.address))
			if got := strings.TrimPrefix(strings.Join(p, "; "), "URL: "); got != c.problem {
				t.Errorf("%q, want %q", got, c.problem)
			}
			if (u == nil) != (c.problem != "") {
				t.Errorf("the address is %v", u)
			}
			if u != nil && u.String() != c.address {
				t.Errorf("%s became %s", c.address, u)
			}
		})
	}
}

func TestAddress(t *testing.T) {
	for address, want := range map[string]string{
		"https://x.test/障害 1?q=é#é":      "https://x.test/%E9%9A%9C%E5%AE%B3%201?q=%C3%A9#%C3%A9",
		" HTTP://x.test/障 ":              "HTTP://x.test/%E9%9A%9C",
		"https://障害.test/a b":            "https://障害.test/a%20b",
		"https:///障":                     "https:///%E9%9A%9C",
		"https://x.test/%E9%9A%9C":       "https://x.test/%E9%9A%9C",
		"https://x.test/a\nb 障":          "https://x.test/a\nb%20%E9%9A%9C",
		"https://x.test/a\u0085b\u202e障": "https://x.test/a\u0085b\u202e%E9%9A%9C",
		"https://x.test/a b\xff":         "https://x.test/a b\xff",
		"ftp://files.test/障害":            "ftp://files.test/障害",
		"disk full / 障害":                 "disk full / 障害",
		"https://":                       "https://",
		"":                               "",
	} {
		if got := Address(address); got != want {
			t.Errorf("%q became %q, want %q", address, got, want)
		}
	}
}

func TestLinkable(t *testing.T) {
	for address, want := range map[string]bool{
		"https://x.test/": true, "http://x.test": true, "https://x.test/12345": true, "https://x.test/障害": true,
		"https://x.test/123456": false, "https://x.test/a b": false, "https://x.test/\n": false, "https://x.test/\xff": false,
		"ftp://x.test": false, "": false,
	} {
		if got := Linkable(address, len("https://x.test/12345")); got != want {
			t.Errorf("%q: %t", address, got)
		}
	}
}

func TestURLSecrets(t *testing.T) {
	for _, c := range []struct {
		name, address string
		has, hasNot   []string
	}{
		{
			"Slack's three elements count each by itself", "https://hooks.slack.com/services/T0123ABCD/B0123ABCD/abcDEF123",
			[]string{
				"https://hooks.slack.com/services/T0123ABCD/B0123ABCD/abcDEF123", "/services/T0123ABCD/B0123ABCD/abcDEF123",
				"T0123ABCD", "B0123ABCD", "abcDEF123",
			},
			[]string{"services"},
		},
		{
			"a signature counts as it stands and as it reads", "https://h.test:443/workflows/0a1b2c3d/invoke?api-version=1&sp=%2Frun&sig=a%2Bb-c_d",
			[]string{
				"/workflows/0a1b2c3d/invoke?api-version=1&sp=%2Frun&sig=a%2Bb-c_d", "/workflows/0a1b2c3d/invoke",
				"api-version=1&sp=%2Frun&sig=a%2Bb-c_d", "sig=a%2Bb-c_d", "a%2Bb-c_d", "a+b-c_d", "0a1b2c3d",
			},
			[]string{"invoke", "workflows", "1"},
		},
		{
			"an escaped path counts as it stands and as it reads", "https://h.test/x%2fsecret",
			[]string{"x%2fsecret", "x/secret", "/x%2fsecret"}, nil,
		},
		{
			"a password counts with and without its user", "https://me:p%40ssword@h.test/",
			[]string{"p@ssword", "me:p@ssword", "me:p%40ssword"}, []string{"/", "me"},
		},
		{
			"letters alone are a secret if there are many", "https://h.test/abcdefghijklmnopq/alerts",
			[]string{"abcdefghijklmnopq", "/abcdefghijklmnopq/alerts"}, []string{"alerts"},
		},
		{
			"16 letters are many, and 15 are a word", "https://h.test/abcdefghijklmnop/abcdefghijklmno/resize",
			[]string{"abcdefghijklmnop"}, []string{"abcdefghijklmno", "resize"},
		},
		{"a sign in a word makes it a secret", "https://h.test/pass~word", []string{"pass~word"}, nil},
		{"six characters are enough", "https://h.test/T01234/T0123", []string{"T01234", "t01234"}, []string{"T0123"}},
		{"a user alone is no secret", "https://someuser@h.test/", nil, []string{"someuser", "someuser:"}},
		{"an address that is nothing but a host is one", "https://h.test", []string{"https://h.test"}, []string{"", "/"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := url.Parse(c.address)
			if err != nil {
				t.Fatal(err)
			}
			got := URLSecrets(u)
			for _, s := range c.has {
				if !slices.Contains(got, s) {
					t.Errorf("%q is not in %q", s, got)
				}
			}
			for _, s := range c.hasNot {
				if slices.Contains(got, s) {
					t.Errorf("%q is in %q", s, got)
				}
			}
		})
	}
}
