package chatworktest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// syntax matches the tags of Chatwork's message notation (https://developer.chatwork.com/docs/message-notation), the
// tags that only Chatwork itself writes, and the tags that its apps write in other languages: "[返信 aid=1 to=2-3]" is
// a reply, "[引用 aid=1 time=2]" is a quote. It ignores blanks, and the case of tags that call people or close something,
// also where Chatwork might not.
var syntax = regexp.MustCompile(`\[[ \t]*(?:` + strings.Join([]string{
	`((?i)toall)`,
	`(?i:to)[ \t]*:[ \t]*([0-9]+)`,
	`([^\[\]\r\n]*[^\[\]\r\n \t])[ \t]+(?i:aid)[ \t]*=[ \t]*([0-9]+)[^\[\]\r\n]*`,
	`(?:picon|pname|piconname|download|dtext)[ \t]*:[^\[\]\r\n]*`,
	`preview[ \t]+id[ \t]*=[^\[\]\r\n]*`,
	`(?i)/[ \t]*(?:info|title|code|url|qt|引用|task|download)(?-i)`,
	`info|title|code|url|qt|hr|deleted`,
}, "|") + `)[ \t]*\]`)

// inCode and quoted match code and quotes. Without its closing tag neither begins. Between the tags of code everything
// is text.
var (
	inCode = regexp.MustCompile(`(?s)(\[code\]).*?(\[[ \t]*/[ \t]*(?i:code)[ \t]*\])`)
	quoted = regexp.MustCompile(`(?s)\[qt\]\[qtmeta aid=[ \t]*[0-9][^\[\]\r\n]*\].*?\[[ \t]*/[ \t]*(?i:qt)[ \t]*\]` +
		`|\[引用 aid=[ \t]*[0-9][^\[\]\r\n]*\].*?\[[ \t]*/[ \t]*引用[ \t]*\]`)
)

// Tags returns the tags of a message's body, as they stand there and in their order: boxes, titles, rules, quotes,
// icons, links, mentions. Text between [code] and [/code] has no tags. In doubt a text that could call people is a tag:
// "[ TOALL ]" is a tag, "[INFO]" is not.
func Tags(body string) []string { return syntax.FindAllString(withoutCode(body), -1) }

// Mentions returns whether a message calls everybody in the room, and the accounts that it mentions or replies to, each
// once. Mentions within a quote do not call anybody.
func Mentions(body string) (all bool, accounts []int64) {
	body = quoted.ReplaceAllString(withoutCode(body), "\n")
	for _, m := range syntax.FindAllStringSubmatch(body, -1) {
		all = all || m[1] != ""
		digits := m[2]
		if !speaksOf(m[3]) {
			digits += m[4]
		}
		id, err := strconv.ParseInt(digits, 10, 64)
		if err == nil && id > 0 && !slices.Contains(accounts, id) {
			accounts = append(accounts, id)
		}
	}
	return all, accounts
}

// withoutCode returns a body with all its tags, but without what stands between the tags of code.
func withoutCode(body string) string { return inCode.ReplaceAllString(body, "$1$2") }

// speaksOf reports whether a tag of this name names an account without calling it. All other tags with an aid are
// replies, whose name may be in any language.
func speaksOf(name string) bool {
	return slices.Contains([]string{"qtmeta", "引用", "task"}, strings.ToLower(name))
}
