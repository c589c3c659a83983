package chatworktest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// syntax matches the tags of Chatwork's message notation (https://developer.chatwork.com/docs/message-notation), the
// tags that only Chatwork itself writes, and the tags that its apps write in other languages: "[返信 aid=1 to=2-3]" is
// a reply, "[引用 aid=1 time=2]" is a quote. It ignores case and blanks, also where Chatwork might not.
var syntax = regexp.MustCompile(`(?i)\[[ \t]*(?:` + strings.Join([]string{
	`(toall)`,
	`to[ \t]*:[ \t]*([0-9]+)`,
	`([^\[\]\r\n]*[^\[\]\r\n \t])[ \t]+aid[ \t]*=[ \t]*([0-9]+)[^\[\]\r\n]*`,
	`(?:picon|pname|piconname|download|dtext)[ \t]*:[^\[\]\r\n]*`,
	`preview[ \t][^\[\]\r\n]*`,
	`/?[ \t]*(?:info|title|code|url|qt|引用|task|download)`,
	`hr|deleted`,
}, "|") + `)[ \t]*\]`)

// A tag is a match of the syntax.
type tag struct {
	text    string // as it stands, with its brackets
	at      int    // its index in the body
	all     bool   // [toall]
	account int64  // the account that it calls, or 0
}

// Tags returns the tags of a message's body, as they stand there and in their order: boxes, titles, rules, quotes,
// icons, links, mentions. Text between [code] and [/code] has no tags. In doubt a text is a tag: "[ TOALL ]" is a
// tag, "[WARNING]" is not.
func Tags(body string) []string {
	var texts []string
	for _, t := range liveTags(body) {
		texts = append(texts, t.text)
	}
	return texts
}

// Mentions returns whether a message calls everybody in the room, and the accounts that it mentions or replies to, each
// once. Mentions within a quote, from [qt][qtmeta aid=...] to [/qt], call nobody.
func Mentions(body string) (all bool, accounts []int64) {
	tags := liveTags(body)
	quotes := func(i int) bool {
		quote := tags[i].text == "[qt]" && i+1 < len(tags)
		return quote && tags[i+1].at == tags[i].at+len("[qt]") && strings.HasPrefix(tags[i+1].text, "[qtmeta aid=")
	}
	for _, t := range without(tags, quotes, "/qt") {
		all = all || t.all
		if t.account != 0 && !slices.Contains(accounts, t.account) {
			accounts = append(accounts, t.account)
		}
	}
	return all, accounts
}

func liveTags(body string) []tag {
	var tags []tag
	for _, m := range syntax.FindAllStringSubmatchIndex(body, -1) {
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return body[m[2*i]:m[2*i+1]]
		}
		t := tag{text: group(0), at: m[0], all: group(1) != ""}
		t.account = parseID(group(2))
		if !speaksOf(group(3)) {
			t.account = max(t.account, parseID(group(4)))
		}
		tags = append(tags, t)
	}
	return without(tags, func(i int) bool { return tags[i].text == "[code]" }, "/code")
}

// speaksOf reports whether a tag of this name names an account without calling it. All other tags with an aid are
// replies, whose name may be in any language.
func speaksOf(name string) bool {
	return slices.Contains([]string{"qtmeta", "引用", "task"}, strings.ToLower(name))
}

// parseID returns an account's id, or 0 if the text is not an id.
func parseID(digits string) int64 {
	id, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return id
}

var bare = strings.NewReplacer("[", "", "]", "", " ", "", "\t", "")

// without leaves out the tags between an opening tag and the next closing tag. A tag that is never closed hides
// nothing.
func without(tags []tag, opens func(i int) bool, closing string) []tag {
	closes := func(t tag) bool { return strings.EqualFold(bare.Replace(t.text), closing) }
	last := len(tags) - 1
	for last >= 0 && !closes(tags[last]) {
		last--
	}
	var kept []tag
	for i := 0; i < len(tags); i++ {
		kept = append(kept, tags[i])
		if i >= last || !opens(i) {
			continue
		}
		for !closes(tags[i+1]) {
			i++
		}
	}
	return kept
}
