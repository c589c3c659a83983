package typetalk

import (
	"strings"
	"testing"
)

func TestChallengeParam(t *testing.T) {
	for _, c := range []struct{ name, header, want string }{
		{"a quoted string", `Bearer error="invalid_token"`, "invalid_token"},
		{"a token", `Bearer error=invalid_token, realm=x`, "invalid_token"},
		{"in any case, with blanks", `bearer realm="error=wrong", Error = "right"`, "right"},
		{"a backslash quotes", `Bearer error="a\"b\\c"`, `a"b\c`},
		{"another name that ends alike", `Bearer an-error="x", an_error=y`, ""},
		{"no such parameter", `Basic realm="x"`, ""},
		{"a quote that does not end", `Bearer error="x`, ""},
		{"an empty value", `Bearer error=""`, ""},
	} {
		if got := challengeParam(c.header, "error"); got != c.want {
			t.Errorf("%s: %q in %q, want %q", c.name, got, c.header, c.want)
		}
	}
}

// FuzzChallengeParam writes a value as a quoted string and reads it back.
func FuzzChallengeParam(f *testing.F) {
	for _, s := range []string{"", "x", `"`, `\`, `a", error="b`, "障", "\xff", "="} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, other, value string) {
		challengeParam(other, "error") // must not panic
		if strings.ContainsAny(value, "\r\n") {
			return // a header cannot have them
		}
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)
		if got := challengeParam(`Bearer error="`+quoted+`", x=`+other, "error"); got != value {
			t.Errorf("%q, want %q", got, value)
		}
	})
}
