package chatworktest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestTags(t *testing.T) {
	for _, test := range []struct {
		name string
		body string
		want []string
	}{
		{"plain text has none", "a [WARNING] b[0] [total] [information] [] [/] ] [", nil},
		{"a box", "[info][title]CPU[/title]x[hr]y[/info]", []string{"[info]", "[title]", "[/title]", "[hr]", "[/info]"}},
		{"as they stand", "[INFO] [ / info ]", []string{"[INFO]", "[ / info ]"}},
		{"icons and links", "[picon:1][piconname:2][url]x[/url]", []string{"[picon:1]", "[piconname:2]", "[url]", "[/url]"}},
		{"a quote, and what is in it", "[qt][qtmeta aid=1 time=2][To:3][/qt]", []string{"[qt]", "[qtmeta aid=1 time=2]", "[To:3]", "[/qt]"}},
		{"what Chatwork makes", "[dtext:chatroom_added][preview id=1 ht=150][deleted][task aid=1 st=2 lt=3]x",
			[]string{"[dtext:chatroom_added]", "[preview id=1 ht=150]", "[deleted]", "[task aid=1 st=2 lt=3]"}},
		{"code is literal", "[code][info][toall][/code][hr]", []string{"[code]", "[/code]", "[hr]"}},
		{"code in capitals may not be code", "[CODE][info][/code]", []string{"[CODE]", "[info]", "[/code]"}},
		{"two blocks of code", "[code][hr][/code][info][code][hr][/code]", []string{"[code]", "[/code]", "[info]", "[code]", "[/code]"}},
		{"mere words are text", "[to be decided] [code 500] [title: x] [hr.]", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := chatworktest.Tags(test.body); !slices.Equal(got, test.want) {
				t.Errorf("Tags(%q) = %q, want %q", test.body, got, test.want)
			}
		})
	}
}

// FuzzTags checks what must hold of any text: tags are parts of it, in its order, and a mention is found wherever it is
// put, unless a quote or code is before it.
func FuzzTags(f *testing.F) {
	for _, s := range []string{"[toall]", "[[To:1]", "[/info]\n[", "［toall]", "[ \t/tITle]", "\xff[hr", "[qt][qtmeta aid=1]", "[code]x[/code]", "[返信 aid=1]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rest := text
		for _, tag := range chatworktest.Tags(text) {
			_, after, ok := strings.Cut(rest, tag)
			if !ok {
				t.Fatalf("Tags(%q) has %q, which is not there", text, tag)
			}
			rest = after
		}
		if all, _ := chatworktest.Mentions("[toall]" + text); !all {
			t.Errorf("[toall] before %q is not found", text)
		}
		if _, accounts := chatworktest.Mentions("[To:4242]" + text); len(accounts) == 0 || accounts[0] != 4242 {
			t.Errorf("[To:4242] before %q is not found", text)
		}
	})
}
