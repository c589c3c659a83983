package provider

import "testing"

// White space that Plain makes visible is seen.
func TestBlank(t *testing.T) {
	for text, want := range map[string]bool{"": true, " \r\n\t\u3000": true, "\f": false, "\u0085": false, " a": false} {
		if got := Blank("", text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

func TestPlain(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"text stays", "disk 91 % 障害🔥 </b>", "disk 91 % 障害🔥 </b>"},
		{"every kind of line break is one", "a\nb\r\nc\rd\r\r\n", "a\nb\nc\nd\n\n"},
		{"control characters are replaced", "a\x00b\x1b[31mc\u0085d\x7f", "a\uFFFDb\uFFFD[31mc\uFFFDd\uFFFD"},
		{"invalid UTF-8 is replaced", "a\xffb", "a\uFFFDb"},
		{"what turns the direction is replaced", "a\u202eb\u2066c", "a\uFFFDb\uFFFDc"},
		{"the first and the last of these are replaced", "a\u202ab\u202ec\u2066d\u2069e", "a\uFFFDb\uFFFDc\uFFFDd\uFFFDe"},
		{"the marks of Hebrew and Arabic stay", "\u200fשלום\u200e", "\u200fשלום\u200e"},
		{"tabs stay", "a\tb", "a\tb"},
		{"nothing stays nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Plain(c.text); got != c.want {
				t.Errorf("Plain(%q) = %q, want %q", c.text, got, c.want)
			}
		})
	}
}
