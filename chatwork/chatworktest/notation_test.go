package chatworktest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestMentions(t *testing.T) {
	for _, test := range []struct {
		name     string
		body     string
		all      bool
		accounts []int64
	}{
		{"plain text calls nobody", "disk 91 % on app01", false, nil},
		{"no text calls nobody", "", false, nil},
		{"To calls one", "[To:123] Bob", false, []int64{123}},
		{"each is called once, in their order", "[To:3][To:1] [To:3]", false, []int64{3, 1}},
		{"toall calls everybody", "[toall]\nlook", true, nil},
		{"case does not matter", "[TOALL][tO:5]", true, []int64{5}},
		{"blanks do not matter", "[ toall ][ To : 5 ]", true, []int64{5}},
		{"a reply calls its author", "[rp aid=12 to=567890123-5]", false, []int64{12}},
		{"a reply as the English app writes it", "[Reply aid=12 to=5-6]", false, []int64{12}},
		{"a reply as the Japanese app writes it", "[返信 aid=12 to=5-6]", false, []int64{12}},
		{"a reply as the Vietnamese app writes it", "[Trả lời aid=12 to=5-6]", false, []int64{12}},
		{"an icon calls nobody", "[picon:1][pname:2][piconname:3]", false, nil},
		{"a quote's author is not called", "[qt][qtmeta aid=1 time=2]x[/qt][引用 aid=3 time=4]y[/引用]", false, nil},
		{"who is mentioned in a quote is not called", "[qt][qtmeta aid=1 time=2][toall][To:5][/qt][To:6]", false, []int64{6}},
		{"a quote that does not end hides nobody", "[qt][qtmeta aid=1][To:5]", false, []int64{5}},
		{"a quote without its author hides nobody", "[qt][To:5][/qt]", false, []int64{5}},
		{"the end of an inner quote ends it", "[qt][qtmeta aid=1][qt][qtmeta aid=1][/qt][To:5][/qt]", false, []int64{5}},
		{"an end before the beginning is none", "[/qt][qt][qtmeta aid=1][To:5]", false, []int64{5}},
		{"code calls nobody", "[code][toall][To:5][/code]", false, nil},
		{"code that does not end hides nobody", "[code][toall]", true, nil},
		{"code ends at the first end", "[code][ /CODE ][toall][/code]", true, nil},
		{"a box hides nobody", "[info][title][To:5][/title][toall][/info]", true, []int64{5}},
		{"full-width brackets are text", "［toall］[To:５]", false, nil},
		{"what only looks like a mention is text", "[To:] [To:Bob] [toallx] [to all] To:5 [To:5 [total]", false, nil},
		{"brackets around brackets do not matter", "[[To:5]] [x[toall]", true, []int64{5}},
		{"a tag does not go over the end of a line", "[To:5\n] [rp aid=5\nto=1-2]", false, nil},
		{"an account that cannot be is nobody", "[To:99999999999999999999]", false, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			all, accounts := chatworktest.Mentions(test.body)
			if all != test.all || !slices.Equal(accounts, test.accounts) {
				t.Errorf("Mentions(%q) = %v, %v; want %v, %v", test.body, all, accounts, test.all, test.accounts)
			}
		})
	}
}

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
