package provider

import (
	"slices"
	"testing"

	"github.com/mackerel-notify/mackerel"
)

func TestFactsComeBackFromTheirText(t *testing.T) {
	facts := []mackerel.Fact{{Label: "ホスト", Value: "app01\r\nx"}, {Value: "no label"}, {Label: "no value"}, {Label: "a\x1eb", Value: "c\x1fd"}}
	want := []mackerel.Fact{{Label: "ホスト", Value: "app01\nx"}, {Value: "no label"}, {Label: "a\uFFFDb", Value: "c\uFFFDd"}}
	joined, rest := Runes.JoinFacts(facts, 100)
	if got := SplitFacts(joined); rest != 0 || !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	joined, _ = Runes.JoinFacts(nil, 100)
	if got := SplitFacts(joined); len(got) != 0 {
		t.Errorf("nothing became %q", got)
	}
}

func TestFactsAreCutFromTheEnd(t *testing.T) {
	text, _ := Runes.JoinFacts([]mackerel.Fact{{Label: "ab", Value: "cd"}, {Label: "ef", Value: "gh"}}, 100)
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
