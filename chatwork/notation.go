package chatwork

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A form says when a word behind a bracket begins a tag.
type form struct {
	next  string // follows the word, after blanks; "" if the word is enough
	calls bool   // the tag names accounts, so it is a tag in capitals, too
}

// A notation is a list of tags by their words, in lower case.
type notation map[string]form

// tags are the tags of Chatwork's notation. Some tags are written only by Chatwork itself, but text could imitate them.
// It is not documented whether case matters. "[TOALL]" is said to work, and "[INFO]" is usually the level of a log.
var tags = notation{
	"to":     {":", true},
	"toall":  {"", true},
	"rp":     {"", true},
	"qtmeta": {"aid", true},
	"task":   {"aid", true},
	"返信":     {"aid", true}, // a reply and a quote in Chatwork's Japanese apps
	"引用":     {"aid", true},

	"info":      {"]", false},
	"title":     {"]", false},
	"code":      {"]", false},
	"qt":        {"]", false},
	"url":       {"]", false},
	"hr":        {"]", false},
	"deleted":   {"]", false},
	"picon":     {":", false},
	"pname":     {":", false},
	"piconname": {":", false},
	"dtext":     {":", false},
	"download":  {":", false},
	"preview":   {"id", false},
}

// tagsInCode are the tags that matter between [code] and [/code]: those that would end it and, to be safe, those that
// call people.
var tagsInCode = notation{"code": tags["code"], "to": tags["to"], "toall": tags["toall"], "rp": tags["rp"]}

// maxWord is the length of the longest word of a tag, in bytes.
const maxWord = len("piconname")

// Escape makes text harmless in a message. The brackets of everything that would be a tag of Chatwork's notation become
// full-width: "[toall]" becomes "［toall］". Other brackets stay, such as those of "[WARNING]", "[INFO]" and "[task 3]".
// In doubt a text is a tag: tags that name accounts are tags in capitals and in every language, a word at the end of the
// text is complete, and blanks and invisible characters hide nothing.
//
// Chatwork documents no way to escape; Escape relies on the fact that tags have ASCII brackets. Text must be escaped as
// a whole, because the parts of a tag are not escaped; [Builder] takes care of that. [EscapeStrict] does not depend on a
// list of tags.
// See https://developer.chatwork.com/docs/message-notation.
func Escape(text string) string { return tags.escape(text) }

// EscapeStrict makes every ASCII square bracket full-width, whether it begins a tag or not.
func EscapeStrict(text string) string { return fullWidth.Replace(text) }

var fullWidth = strings.NewReplacer("[", "［", "]", "］")

// escape escapes the tags of a notation, and all other tags that name an account.
func (n notation) escape(text string) string {
	openings := make([]bool, strings.Count(text, "["))
	n.find(text, openings)
	if !slices.Contains(openings, true) {
		return text
	}
	return widen(text, openings)
}

// find sets for each opening bracket of a text whether it begins a tag. The text is read once, from its end. A bracket
// around aid= begins a tag, because the first word of a tag that names an account may be in any language: "[Trả lời
// aid=1]". Brackets between the two do not matter: they may become full-width and then be text of the tag.
func (n notation) find(text string, openings []bool) {
	account := false                                      // there is an aid= before the next closing bracket
	closings := make([]bool, 0, strings.Count(text, "]")) // account as it was behind each bracket that is open
	for i, left := len(text)-1, len(openings); left > 0; i-- {
		switch text[i] {
		case ']':
			closings = append(closings, account)
			account = false
		case '=':
			account = account || endsWithAid(text[:i])
		case '[':
			left--
			openings[left] = account || n.begins(text[i+1:])
			behind := false
			behind, closings = pop(closings)
			account = account || behind
		}
	}
}

// widen makes the opening brackets that begin a tag full-width, and the closing brackets that belong to them.
func widen(text string, openings []bool) string {
	var b strings.Builder
	b.Grow(len(text) + len(openings)*2*(len("［")-len("[")))
	open := make([]bool, 0, len(openings))
	from := 0
	for i := range len(text) {
		tag := false
		switch text[i] {
		case '[':
			tag, openings = openings[0], openings[1:]
			open = append(open, tag)
		case ']':
			tag, open = pop(open)
		}
		if tag {
			b.WriteString(text[from:i])
			b.WriteString(EscapeStrict(text[i : i+1]))
			from = i + 1
		}
	}
	b.WriteString(text[from:])
	return b.String()
}

// pop returns the last element of a stack and the rest, false if the stack is empty.
func pop(stack []bool) (bool, []bool) {
	last := len(stack) - 1
	if last < 0 {
		return false, stack
	}
	return stack[last], stack[:last]
}

// begins reports whether the text after a bracket begins a tag of the notation. The word of the tag is read twice: up
// to the first character that is not part of a word, and with the invisible characters within it left out. The word of
// "to\u200ball" is "to" and "toall".
func (n notation) begins(text string) bool {
	text = strings.TrimLeftFunc(text, hidden)
	text, closing := strings.CutPrefix(text, "/")
	if closing {
		text = strings.TrimLeftFunc(text, hidden)
	}
	return n.reads(text, closing, false) || n.reads(text, closing, true)
}

// reads reports whether a text begins with a word of the notation and with what must follow it.
func (n notation) reads(text string, closing, through bool) bool {
	word, rest, capitals := make([]byte, 0, maxWord), "", false
	for i, r := range text {
		if through && r > unicode.MaxASCII && hidden(r) {
			continue
		}
		small := lower(r)
		if !inWord(r) || len(word)+utf8.RuneLen(small) > maxWord {
			rest = text[i:]
			break
		}
		word = utf8.AppendRune(word, small)
		capitals = capitals || small != r
	}
	f, known := n[string(word)]
	if !known || capitals && !f.calls && !closing {
		return false
	}
	rest = strings.TrimLeftFunc(rest, hidden)
	return rest == "" || strings.HasPrefix(rest, f.next) || closing && rest[0] == ']'
}

// inWord reports whether a character is part of a word, as a letter or a digit.
func inWord(r rune) bool { return '0' <= r && r <= '9' || unicode.IsLetter(r) && !hidden(r) }

// lower returns the small form of a letter. Letters that only look like small ones when case is ignored are no other:
// "ſ" is an s.
func lower(r rune) rune {
	if r <= unicode.MaxASCII {
		return unicode.ToLower(r)
	}
	return unicode.ToLower(unicode.ToUpper(r))
}

// endsWithAid reports whether a text ends with the word aid. Case, blanks and invisible characters do not matter.
// "paid" is another word.
func endsWithAid(text string) bool {
	for _, letter := range "dia" {
		text = strings.TrimRightFunc(text, hidden)
		last := len(text) - 1
		if last < 0 || rune(text[last]|0x20) != letter {
			return false
		}
		text = text[:last]
	}
	before, _ := utf8.DecodeLastRuneInString(text)
	return before > unicode.MaxASCII || before != '_' && !inWord(before)
}

// hidden reports whether a character is blank or invisible: spaces of every width, control characters, characters of no
// width, those that only set a direction or a form, and bytes that are no character.
func hidden(r rune) bool {
	if r <= unicode.MaxASCII {
		return r <= ' ' || r == 0x7f
	}
	return unicode.IsSpace(r) || r == utf8.RuneError || unicode.In(r,
		unicode.Cc, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

var blanks = strings.NewReplacer(" ", "", "\t", "")
