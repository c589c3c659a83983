package provider

import (
	"slices"
	"testing"

	"github.com/mackerel-notify/mackerel"
)

func TestFactsComeBackFromTheirText(t *testing.T) {
	facts := []mackerel.Fact{{Label: "ホスト", Value: "app01\r\nx"}, {Value: "no label"}, {Label: "no value"}, {Label: "a\x1eb", Value: "c\x1fd"}}
	want := []mackerel.Fact{{Label: "ホスト", Value: "app01\nx"}, {Value: "no label"}, {Label: "a\uFFFDb", Value: "c\uFFFDd"}}
	if got := SplitFacts(JoinFacts(facts)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := SplitFacts(JoinFacts(nil)); len(got) != 0 {
		t.Errorf("nothing became %q", got)
	}
}

func TestFactsAreCutFromTheEnd(t *testing.T) {
	text := JoinFacts([]mackerel.Fact{{Label: "ab", Value: "cd"}, {Label: "ef", Value: "gh"}})
	for n, want := range map[int][]mackerel.Fact{
		11: {{Label: "ab", Value: "cd"}, {Label: "ef", Value: "gh"}},
		10: {{Label: "ab", Value: "cd"}, {Label: "ef", Value: "…"}},
		8:  {{Label: "ab", Value: "cd"}, {Label: "e…"}},
		7:  {{Label: "ab", Value: "cd"}, {Label: "…"}},
		4:  {{Label: "ab", Value: "…"}},
		1:  {{Label: "…"}},
		0:  nil,
	} {
		if got := SplitFacts(Runes.Shorten(text, n)); !slices.Equal(got, want) {
			t.Errorf("at %d: %q, want %q", n, got, want)
		}
	}
}
