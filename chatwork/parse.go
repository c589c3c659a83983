package chatwork

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Notation is the meaning of a message's body.
type Notation struct {
	ToAll   bool    // it calls everybody in the room
	To      []int64 // the accounts that it mentions, each once
	Replies []Reply // the messages that it replies to; a reply calls the author
	Quotes  []Quote
	Text    string   // what a reader sees, without tags and quotes
	Tags    []string // all tags as they stand, in their order, without those between [code] and [/code]
}

// A Reply is a tag that says to which message a message replies.
type Reply struct {
	AccountID int64
	RoomID    int64  // 0 if the tag does not say it
	MessageID string // "" if the tag does not say it
}

// A Quote is a quote within a message.
type Quote struct {
	AccountID int64
	Time      time.Time // of the quoted message; zero if the tag does not say it
	Text      string    // without tags
}

// Calls reports whether the message calls an account: by its id, as everybody in the room, or by replying to it.
// Mentions within a quote do not call.
func (n Notation) Calls(accountID int64) bool {
	return n.ToAll || slices.Contains(n.To, accountID) ||
		slices.ContainsFunc(n.Replies, func(r Reply) bool { return r.AccountID == accountID })
}

// ParseNotation reads the body of a message. No body is an error. Everything that is no tag is text, and so is
// everything between [code] and [/code]. A tag that is never closed is left out of the text as other tags are. Blanks
// within tags do not matter, except in those that begin a quote. Case does not matter in tags that name accounts or
// close something. Replies in all languages and quotes in Japanese are known, because Chatwork's apps write them.
// See https://developer.chatwork.com/docs/message-notation.
func ParseNotation(body string) Notation {
	var n Notation
	pieces := literal(scan(body))
	for _, p := range pieces {
		if p.name != "" {
			n.Tags = append(n.Tags, p.text)
		}
	}
	var text strings.Builder
	for i := 0; i < len(pieces); i++ {
		quote, end := quoted(pieces, i)
		if end > i {
			n.Quotes = append(n.Quotes, quote)
			i = end // the closing tag, which says nothing by itself
		}
		n.note(pieces[i])
		pieces[i].write(&text)
	}
	n.Text = strings.TrimSpace(text.String())
	return n
}

// note adds the accounts that a tag calls.
func (n *Notation) note(p piece) {
	switch {
	case p.name == "toall":
		n.ToAll = true
	case p.name == "to" && p.account > 0 && !slices.Contains(n.To, p.account):
		n.To = append(n.To, p.account)
	case p.name == reply && p.account > 0:
		r := Reply{AccountID: p.account}
		if m := replyTo.FindStringSubmatch(p.text); m != nil {
			r.RoomID, r.MessageID = number(m[1]), m[2]
		}
		n.Replies = append(n.Replies, r)
	}
}

// A piece of a body is a tag or the text between two tags.
type piece struct {
	text    string // as it stands, with the brackets of a tag
	name    string // of the tag, in lower case and with the slash of a closing tag; "" for text
	account int64  // the account that the tag names, or 0
}

// Names of tags that are not the word in the tag.
const (
	reply = "rp"    // names an account; the apps write the first word of a reply in the language of the user
	other = "other" // does not call people and is not part of the text, such as a picture
)

// syntax matches the tags of Chatwork's message notation, the tags that only Chatwork itself writes, and the tags that
// its apps write in other languages: "[返信 aid=1 to=2-3]" is a reply, "[引用 aid=1 time=2]" is a quote.
// Tags that name an account and closing tags are tags in any case. Other tags are tags in lower case only: "[INFO]" is
// text.
var syntax = regexp.MustCompile(`\[[ \t]*(?:` + strings.Join([]string{
	`(?i:to)[ \t]*:[ \t]*([0-9]+)`,
	`([^\[\]\r\n]*[^\[\]\r\n \t])[ \t]+(?i:aid)[ \t]*=[ \t]*([0-9]+)[^\[\]\r\n]*`,
	`((?i:toall)|info|title|code|url|qt|hr|deleted|/[ \t]*(?i:info|title|code|url|qt|引用|task|download))`,
	`(?:picon|pname|piconname|download|dtext)[ \t]*:[^\[\]\r\n]*`,
	`preview[ \t]+id[ \t]*=[^\[\]\r\n]*`,
}, "|") + `)[ \t]*\]`)

var (
	replyTo = regexp.MustCompile(`(?i)[ \t]to[ \t]*=[ \t]*([0-9]+)-([0-9]+)`)
	sentAt  = regexp.MustCompile(`(?i)[ \t]time[ \t]*=[ \t]*([0-9]+)`)
)

// scan splits a body at its tags.
func scan(body string) []piece {
	var pieces []piece
	from := 0
	for _, m := range syntax.FindAllStringIndex(body, -1) {
		if m[0] > from {
			pieces = append(pieces, piece{text: body[from:m[0]]})
		}
		pieces = append(pieces, parseTag(body[m[0]:m[1]]))
		from = m[1]
	}
	if from < len(body) {
		pieces = append(pieces, piece{text: body[from:]})
	}
	return pieces
}

// parseTag reads a tag.
func parseTag(text string) piece {
	m := syntax.FindStringSubmatch(text)
	to, word, account, bare := m[1], strings.ToLower(m[2]), m[3], strings.ToLower(blanks.Replace(m[4]))
	switch {
	case to != "":
		return piece{text, "to", number(to)}
	case bare != "":
		return piece{text, bare, 0}
	case word == "":
		return piece{text, other, 0}
	case word == "qtmeta" || word == "引用" || word == "task":
		return piece{text, word, number(account)}
	}
	return piece{text, reply, number(account)}
}

// number returns an id, or 0 if the text is not an id.
func number(digits string) int64 {
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return 0
	}
	return int64(n)
}

// closing returns the index of the first tag of a name, not before an index, or -1.
func closing(pieces []piece, from int, name string) int {
	i := slices.IndexFunc(pieces[from:], func(p piece) bool { return p.name == name })
	if i < 0 {
		return -1
	}
	return from + i
}

// literal turns everything between [code] and [/code] into text.
func literal(pieces []piece) []piece {
	for i := 0; i < len(pieces); i++ {
		if pieces[i].text != "[code]" {
			continue
		}
		end := closing(pieces, i, "/code")
		if end < 0 {
			break
		}
		for i++; i < end; i++ {
			pieces[i].name = ""
		}
	}
	return pieces
}

// quoted returns the quote that begins with a piece, and the index of the piece that ends it, or -1.
func quoted(pieces []piece, i int) (q Quote, end int) {
	meta, closer := i, ""
	switch {
	// Text in a piece of code may be "[qt]", but what follows it is no tag of an author.
	case pieces[i].text == "[qt]" && i+1 < len(pieces) &&
		pieces[i+1].name != "" && strings.HasPrefix(pieces[i+1].text, "[qtmeta aid="):
		meta, closer = i+1, "/qt"
	case pieces[i].name == "引用" && pieces[i].account > 0:
		closer = "/引用"
	default:
		return Quote{}, -1
	}
	if end = closing(pieces, meta, closer); end < 0 {
		return Quote{}, -1
	}
	var text strings.Builder
	for _, p := range pieces[meta+1 : end] {
		p.write(&text)
	}
	q = Quote{AccountID: pieces[meta].account, Text: strings.TrimSpace(text.String())}
	if m := sentAt.FindStringSubmatch(pieces[meta].text); m != nil {
		q.Time = time.Unix(number(m[1]), 0)
	}
	return q, end
}

// write adds what a reader sees of a piece. Boxes, titles and rules begin and end a line.
func (p piece) write(b *strings.Builder) {
	switch p.name {
	case "":
		b.WriteString(p.text)
	case "info", "/info", "/title", "hr":
		if !strings.HasSuffix(b.String(), "\n") { // blanks around the whole text are removed later
			b.WriteByte('\n')
		}
	}
}
