package chatworktest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel/chatwork"
)

// syntax matches the tags of Chatwork's message notation (https://developer.chatwork.com/docs/message-notation), the
// tags that only Chatwork itself writes, and the tags that its apps write in other languages: "[返信 aid=1 to=2-3]" is
// a reply, "[引用 aid=1 time=2]" is a quote. It ignores case and blanks, also where Chatwork might not.
var syntax = regexp.MustCompile(`(?i)\[[ \t]*(?:` + strings.Join([]string{
	`toall|hr|deleted`,
	`to[ \t]*:[ \t]*[0-9]+`,
	`[^\[\]\r\n]*[^\[\]\r\n \t][ \t]+aid[ \t]*=[ \t]*[0-9]+[^\[\]\r\n]*`,
	`(?:picon|pname|piconname|download|dtext)[ \t]*:[^\[\]\r\n]*`,
	`preview[ \t][^\[\]\r\n]*`,
	`/?[ \t]*(?:info|title|code|url|qt|引用|task|download)`,
}, "|") + `)[ \t]*\]`)

var endOfCode = regexp.MustCompile(`(?i)^\[[ \t]*/[ \t]*code[ \t]*\]$`)

// Tags returns the tags of a message's body, as they stand there and in their order: boxes, titles, rules, quotes,
// icons, links, mentions. Text between [code] and [/code] has no tags. In doubt a text is a tag: "[ TOALL ]" is a
// tag, "[WARNING]" is not.
func Tags(body string) []string {
	all := syntax.FindAllString(body, -1)
	var tags []string
	for i := 0; i < len(all); i++ {
		tags = append(tags, all[i])
		if all[i] == "[code]" {
			i += max(0, slices.IndexFunc(all[i+1:], endOfCode.MatchString))
		}
	}
	return tags
}

// Mentions returns whether a message calls everybody in the room, and the accounts that it mentions or replies to, each
// once, as [chatwork.ParseNotation] finds them.
func Mentions(body string) (all bool, accounts []int64) {
	n := chatwork.ParseNotation(body)
	accounts = n.To
	for _, r := range n.Replies {
		if !slices.Contains(accounts, r.AccountID) {
			accounts = append(accounts, r.AccountID)
		}
	}
	return n.ToAll, accounts
}
