package chatworktest

import (
	"slices"

	"github.com/mackerel-notify/mackerel/chatwork"
)

// Tags returns the tags of a message's body, as they stand there and in their order: boxes, titles, rules, quotes,
// icons, links, mentions. See [chatwork.ParseNotation]. In doubt a text is a tag: "[ TOALL ]" is a tag, "[WARNING]" is
// not.
func Tags(body string) []string { return chatwork.ParseNotation(body).Tags }

// Mentions returns whether a message calls everybody in the room, and the accounts that it mentions or replies to, each
// once. Mentions within a quote call nobody.
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
