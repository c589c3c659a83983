package oneline_test

import (
	"testing"

	"github.com/mackerel-notify/mackerel/internal/oneline"
)

func TestOf(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "  ": "", "a": "a", "a b": "a b", "a  b": "a b", "a\nb": "a b", "a \nb": "a b",
		" a\r\n b\tc\x00\u2028d\u2029e ": "a b c d e",
		"障害　発生":                          "障害　発生", "a\xffb": "a\uFFFDb", "a\u2027b\u202ac": "a\u2027b\u202ac",
	} {
		if got := oneline.Of(text); got != want {
			t.Errorf("Of(%q) = %q, want %q", text, got, want)
		}
	}
}
