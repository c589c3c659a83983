package chatworktest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// syntax is a tag of Chatwork's message notation (https://developer.chatwork.com/docs/message-notation), the tags that
// only Chatwork itself makes, and what its apps write in other languages: "[返信 aid=1 to=2-3]" is a reply, "[引用 aid=1
// time=2]" a quote. Case and blanks that Chatwork might not accept do not matter here: better one tag too many.
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
	account int64  // whom it calls, 0 for nobody
}

// Tags returns the tags that Chatwork would act on in a message's body, as they stand there and in their order: boxes,
// titles, rules, quotes, icons, links, mentions. What is between [code] and [/code] is literal and has none. Whatever
// may be a tag is taken for one: "[ TOALL ]" is, "[WARNING]" is not.
func Tags(body string) []string {
	var texts []string
	for _, t := range liveTags(body) {
		texts = append(texts, t.text)
	}
	return texts
}

// Mentions reports whom a message calls: everybody in the room, and the accounts that it mentions or replies to, each
// once. Mentions within a quote, [qt][qtmeta aid=...] to [/qt], call nobody.
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
		t.account = accountID(group(2))
		if !speaksOf(group(3)) {
			t.account = max(t.account, accountID(group(4)))
		}
		tags = append(tags, t)
	}
	return without(tags, func(i int) bool { return tags[i].text == "[code]" }, "/code")
}

// speaksOf reports whether a tag of this name only says whose something is. All others with an aid are replies, whatever
// language their name is in.
func speaksOf(name string) bool {
	return slices.Contains([]string{"qtmeta", "引用", "task"}, strings.ToLower(name))
}

// accountID returns 0 for what is no account's id.
func accountID(digits string) int64 {
	id, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return id
}

var bare = strings.NewReplacer("[", "", "]", "", " ", "", "\t", "")

// without leaves out what is between a tag that opens and the next one that closes. What is never closed stays.
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
