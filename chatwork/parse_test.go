package chatwork_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestParseNotation(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       chatwork.Notation
	}{
		{"plain text", " just text [WARNING] a[0]\n", chatwork.Notation{Text: "just text [WARNING] a[0]"}},
		{"a mention", "[To:1484814] lunch?", chatwork.Notation{To: []int64{1484814}, Text: "lunch?"}},
		{
			"mentions are listed once, in their order", "[To:2]b [To:1]a [To:2]b\nhi",
			chatwork.Notation{To: []int64{2, 1}, Text: "b a b\nhi"},
		},
		{"everybody", "[toall]\nfire", chatwork.Notation{ToAll: true, Text: "fire"}},
		{
			"a reply", "[rp aid=1484814 to=567890123-789012345] Anna\nyes",
			chatwork.Notation{Replies: []chatwork.Reply{{AccountID: 1484814, RoomID: 567890123, MessageID: "789012345"}}, Text: "Anna\nyes"},
		},
		{
			"a reply as the apps write it in Japanese", "[返信 aid=1 to=2-3]はい",
			chatwork.Notation{Replies: []chatwork.Reply{{AccountID: 1, RoomID: 2, MessageID: "3"}}, Text: "はい"},
		},
		{"a reply to nothing in particular", "[rp aid=7]yes", chatwork.Notation{Replies: []chatwork.Reply{{AccountID: 7}}, Text: "yes"}},
		{
			"a quote, whose mentions call nobody", "[qt][qtmeta aid=5 time=1384242850][To:9] lunch?[/qt]\nno",
			chatwork.Notation{Quotes: []chatwork.Quote{{AccountID: 5, Time: time.Unix(1384242850, 0), Text: "lunch?"}}, Text: "no"},
		},
		{
			"a quote without a time", "[qt][qtmeta aid=5]x[/qt]",
			chatwork.Notation{Quotes: []chatwork.Quote{{AccountID: 5, Text: "x"}}},
		},
		{
			"a quote in Japanese", "[引用 aid=5 time=1384242850][To:9]x[/引用]y",
			chatwork.Notation{Quotes: []chatwork.Quote{{AccountID: 5, Time: time.Unix(1384242850, 0), Text: "x"}}, Text: "y"},
		},
		{"a quote that never ends is none", "[qt][qtmeta aid=5][To:9]x", chatwork.Notation{To: []int64{9}, Text: "x"}},
		{"a box", "[info][title]CPU[/title]96 %[hr]link[/info]bye", chatwork.Notation{Text: "CPU\n96 %\nlink\nbye"}},
		{
			"code is literal", "see [code][toall] [To:1][qt][qtmeta aid=1]x[/qt][/code] [To:2]",
			chatwork.Notation{To: []int64{2}, Text: "see [toall] [To:1][qt][qtmeta aid=1]x[/qt]"},
		},
		{"code that never ends is none", "[code][To:1]x", chatwork.Notation{To: []int64{1}, Text: "x"}},
		{"pictures, names and links", "[picon:1][piconname:2][pname:3][url]https://example.com[/url]", chatwork.Notation{Text: "https://example.com"}},
		{
			"what Chatwork itself writes", "[info][title][dtext:chatroom_groupchat_created][/title][dtext:chatroom_chatname_is]test[/info]",
			chatwork.Notation{Text: "test"},
		},
		{"a task and a file", "[task aid=1 st=done lt=0]buy milk[/task] [download:3]a.log[/download]", chatwork.Notation{Text: "buy milk a.log"}},
		{"ids have up to 63 bits", "[To:9223372036854775807]x", chatwork.Notation{To: []int64{math.MaxInt64}, Text: "x"}},
		{"impossible ids are nobody's", "[To:0][To:99999999999999999999][rp aid=0 to=1-2]x", chatwork.Notation{Text: "x"}},
		{"a deleted message", "[deleted]", chatwork.Notation{}},
		{"case and blanks do not matter", "[ TOALL ][ tO : 5 ][info][/ INFO ]x", chatwork.Notation{ToAll: true, To: []int64{5}, Text: "x"}},
		{"a reply in capitals", "[RP AID=5 TO=1-2]x", chatwork.Notation{Replies: []chatwork.Reply{{AccountID: 5, RoomID: 1, MessageID: "2"}}, Text: "x"}},
		{"a reply in any language", "[Trả lời aid=12 to=5-6]x", chatwork.Notation{Replies: []chatwork.Reply{{AccountID: 12, RoomID: 5, MessageID: "6"}}, Text: "x"}},
		{"an author that is no tag begins no quote", "[qt][qtmeta aid=5[To:6][/qt]", chatwork.Notation{To: []int64{6}, Text: "[qtmeta aid=5"}},
		{"a quote with blanks in its tags is none", "[ qt ][qtmeta aid=1][To:5][/qt][qt][ qtmeta aid=1][To:6][/qt]", chatwork.Notation{To: []int64{5, 6}}},
		{"code with a quote in it is literal", "[code][qt][/code][qtmeta aid=1][To:5][/qt]", chatwork.Notation{To: []int64{5}, Text: "[qt]"}},
		{"only a quote ends in Japanese", "[To:5]x[/引用]y", chatwork.Notation{To: []int64{5}, Text: "xy"}},
		{"a Japanese quote of an impossible id is none", "[引用 aid=0]x[/引用]y", chatwork.Notation{Text: "xy"}},
		{"a box begins one line", "a\n[info]b[hr][hr]c", chatwork.Notation{Text: "a\nb\nc"}},
		{"a quote without its author is none", "[qt][To:5][/qt]", chatwork.Notation{To: []int64{5}}},
		{
			"the end of an inner quote ends it", "[qt][qtmeta aid=1][qt][qtmeta aid=1][/qt][To:5][/qt]",
			chatwork.Notation{To: []int64{5}, Quotes: []chatwork.Quote{{AccountID: 1}}},
		},
		{"an end before the beginning is none", "[/qt][qt][qtmeta aid=1][To:5]", chatwork.Notation{To: []int64{5}}},
		{"code ends at the first end", "[code][ /CODE ][toall][/code]", chatwork.Notation{ToAll: true}},
		{"what only looks like a tag is text", "[To:] [To:Bob] [toallx] [to all] [To:5 [To:5\n]", chatwork.Notation{Text: "[To:] [To:Bob] [toallx] [to all] [To:5 [To:5\n]"}},
		{"full-width brackets are text", "［toall］ [[To:5]]", chatwork.Notation{To: []int64{5}, Text: "［toall］ []"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := chatwork.ParseNotation(tt.body)
			if got.Tags = nil; fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			agrees(t, tt.body)
		})
	}
}

func TestTags(t *testing.T) {
	for _, tt := range []struct {
		name string
		body string
		want []string
	}{
		{"plain text has none", "a [WARNING] b[0] [total] [information] [] [/] ] [", nil},
		{"a box", "[info][title]CPU[/title]x[hr]y[/info]", []string{"[info]", "[title]", "[/title]", "[hr]", "[/info]"}},
		{"as they stand", "[ info ] [ / INFO ] [TOALL]", []string{"[ info ]", "[ / INFO ]", "[TOALL]"}},
		{"levels of a log are text", "[INFO] [Title] [HR] [CODE]", nil},
		{"icons and links", "[picon:1][piconname:2][url]x[/url]", []string{"[picon:1]", "[piconname:2]", "[url]", "[/url]"}},
		{"a quote, and what is in it", "[qt][qtmeta aid=1 time=2][To:3][/qt]", []string{"[qt]", "[qtmeta aid=1 time=2]", "[To:3]", "[/qt]"}},
		{"what Chatwork makes", "[dtext:chatroom_added][preview id=1 ht=150][deleted][task aid=1 st=2 lt=3]x",
			[]string{"[dtext:chatroom_added]", "[preview id=1 ht=150]", "[deleted]", "[task aid=1 st=2 lt=3]"}},
		{"code is literal", "[code][info][toall][/code][hr]", []string{"[code]", "[/code]", "[hr]"}},
		{"code in capitals is no code", "[CODE][info][/code]", []string{"[info]", "[/code]"}},
		{"two blocks of code", "[code][hr][/code][info][code][hr][/code]", []string{"[code]", "[/code]", "[info]", "[code]", "[/code]"}},
		{"mere words are text", "[to be decided] [code 500] [title: x] [hr.] [task 3] [task] [引用] [返信] [paid=1] [preview of it] [/hr]", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := chatwork.ParseNotation(tt.body).Tags; !slices.Equal(got, tt.want) {
				t.Errorf("the tags of %q are %q, want %q", tt.body, got, tt.want)
			}
			agrees(t, tt.body)
		})
	}
}

func TestCalls(t *testing.T) {
	for _, tt := range []struct {
		body string
		want bool
	}{
		{"[To:7]", true},
		{"[toall]", true},
		{"[rp aid=7 to=1-2]", true},
		{"[To:8]", false},
		{"[qt][qtmeta aid=7][To:7]x[/qt]", false},
		{"7", false},
	} {
		if got := chatwork.ParseNotation(tt.body).Calls(7); got != tt.want {
			t.Errorf("%q calls 7: %v", tt.body, got)
		}
	}
}

// callees are all accounts that a message calls, sorted.
func callees(n chatwork.Notation) []int64 {
	all := slices.Clone(n.To)
	for _, r := range n.Replies {
		all = append(all, r.AccountID)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// agrees compares ParseNotation with the fake's reader of the notation, which shares nothing with it.
func agrees(t *testing.T, body string) {
	t.Helper()
	n := chatwork.ParseNotation(body)
	all, accounts := chatworktest.Mentions(body)
	slices.Sort(accounts)
	if n.ToAll != all || !slices.Equal(callees(n), accounts) {
		t.Fatalf("%q calls all: %v, and %v; the fake says %v, and %v", body, n.ToAll, callees(n), all, accounts)
	}
	if tags := chatworktest.Tags(body); !slices.Equal(n.Tags, tags) {
		t.Fatalf("%q has the tags %q; the fake says %q", body, n.Tags, tags)
	}
}

func FuzzParseNotation(f *testing.F) {
	for _, s := range []string{
		"[To:1] a [toall] [rp aid=2 to=3-4]b", "[qt][qtmeta aid=5 time=6][To:7]x[/qt][To:8]", "[code][To:1][/code][qt][/code]", "[ tO : 9 ][/ QT ]",
		"[info][title]t[/title]b[hr][/info]", "[[To:1]]", "[x aid=1 aid=2]", "[code][qt][qtmeta aid=1][/code][/qt][To:3]", "\xff[to:1", "[taſK aid=1]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if !strings.Contains(body, "引用") { // the fake accepts a quote of the Japanese apps even if its author's id is 0
			agrees(t, body)
		}
		got := chatwork.ParseNotation(body)
		rest := body
		for _, tag := range got.Tags {
			_, after, ok := strings.Cut(rest, tag)
			if !ok {
				t.Fatalf("%q has no tag %q", body, tag)
			}
			rest = after
		}
		if n := chatwork.ParseNotation("[toall][To:4242]" + body); !n.ToAll || !n.Calls(4242) {
			t.Errorf("the mentions before %q are not found", body)
		}
		if got.Calls(0) && !got.ToAll || slices.ContainsFunc(callees(got), func(id int64) bool { return id <= 0 }) {
			t.Errorf("%q calls accounts that cannot be: %+v", body, got)
		}
		if len(chatworktest.Tags(body)) == 0 && got.Text != strings.TrimSpace(body) {
			t.Errorf("%q has no tags and becomes %q", body, got.Text)
		}
	})
}

// fragments are what tags are made of, and what could be mistaken for it.
var fragments = strings.Split("[|]|[|]|/|to:|To|toall|rp |aid=|1|22| to=3-4|[qt]|[qtmeta aid=5]|[/qt]|[code]|[/code]|[info]|[/info]|[title]|hr|x| |\n|=|:|［|[To:6]|[rp aid=7 to=8-9]|[task aid=1]|task|障|AID|INFO|\u3000|\u00a0|\u200b|p|preview|id=|picon:", "|")

// TestRandomBodies goes where a fuzzer of bytes takes long to get: bodies of tags and halves of tags.
func TestRandomBodies(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var b strings.Builder
		for range 1 + random.IntN(12) {
			b.WriteString(fragments[random.IntN(len(fragments))])
		}
		body := b.String()
		agrees(t, body)
		for _, escaped := range []string{chatwork.Escape(body), chatwork.EscapeStrict(body)} {
			if tags := chatworktest.Tags(escaped); len(tags) > 0 {
				t.Fatalf("%q is escaped to %q, which has the tags %q", body, escaped, tags)
			}
			if n := chatwork.ParseNotation(escaped); n.ToAll || len(callees(n)) > 0 || len(n.Quotes) > 0 || n.Text != strings.TrimSpace(escaped) {
				t.Fatalf("%q is parsed as %+v", escaped, n)
			}
		}
		var built chatwork.Builder
		built.Text(body[:len(body)/2]).Text(body[len(body)/2:]).Code(body).Quote(1, time.Time{}, body)
		if tags := strings.Join(chatworktest.Tags(built.String()), ""); tags != "[code][/code][qt][qtmeta aid=1][/qt]" {
			t.Fatalf("%q is built into %q, which has the tags %s", body, built.String(), tags)
		}
	}
}
