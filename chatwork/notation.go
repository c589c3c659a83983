package chatwork

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A form says when a bracket with a certain word begins a tag.
type form struct {
	next    string // follows the word, after blanks; "" if the word is enough
	account bool   // the tag names accounts, so that in doubt it is a tag, also in capitals
}

// formOf returns the form of a word, which is in lower case, and false if no tag of Chatwork's notation has the word.
// Some tags are written only by Chatwork itself, but text could imitate them. It is not documented whether case
// matters. "[TOALL]" is said to call everybody. "[INFO]" is usually the level of a log.
func formOf(word string) (f form, known bool) {
	switch word {
	case "toall", "rp":
		return form{"", true}, true
	case "to":
		return form{":", true}, true
	case "qtmeta", "task", "返信", "引用": // the last two are a reply and a quote in Chatwork's Japanese apps
		return form{"aid", true}, true
	case "info", "title", "code", "qt", "url", "hr", "deleted":
		return form{"]", false}, true
	case "picon", "pname", "piconname", "dtext", "download":
		return form{":", false}, true
	case "preview":
		return form{"id", false}, true
	}
	return form{}, false
}

// begins reports whether a word of this form and the text after it begin a tag. If there is no text after the word,
// they do, because more text may be appended.
func (f form) begins(rest string, capitals, closing bool) bool {
	if capitals && !f.account && !closing {
		return false
	}
	return rest == "" || strings.HasPrefix(rest, f.next) || closing && rest[0] == ']'
}

// maxWord is the length of the longest word of a tag, in bytes.
const maxWord = len("piconname")

// Escape makes text harmless in a message. The brackets of everything that would be a tag of Chatwork's notation become
// full-width: "[toall]" becomes "［toall］". Other brackets stay, such as those of "[WARNING]", "[INFO]" and "[task 3]".
// In doubt a text is a tag: tags that name accounts are tags in capitals and in every language, the word of a tag at
// the end of the text begins one, and blanks and invisible characters hide nothing.
//
// Chatwork documents no way to escape; Escape relies on the fact that tags have ASCII brackets. Text must be escaped as
// a whole, because the parts of a tag are not escaped; [Builder] takes care of that. [EscapeStrict] does not depend on
// a list of tags.
// See https://developer.chatwork.com/docs/message-notation.
func Escape(text string) string { return escapeTags(text, false) }

// EscapeStrict makes every ASCII square bracket full-width, whether it begins a tag or not.
func EscapeStrict(text string) string { return fullWidth.Replace(text) }

var fullWidth = strings.NewReplacer("[", "［", "]", "］")

// escapeTags escapes tags. In code, only tags that name accounts or begin or end the code are escaped.
func escapeTags(text string, inCode bool) string {
	openings := make([]bool, strings.Count(text, "["))
	findTags(text, openings, inCode)
	if !slices.Contains(openings, true) {
		return text
	}
	return widen(text, openings)
}

// findTags sets for each opening bracket of a text whether it begins a tag. The text is read once, from its end.
// Brackets around aid= are a tag, because the first word of a tag that names an account may be in any language: "[Trả
// lời aid=1]". Brackets within these brackets do not matter: they may become full-width and then be text of the tag.
func findTags(text string, openings []bool, inCode bool) {
	account, after := false, false // there is an aid= before the next closing bracket; after it
	// closings has the value of account after each closing bracket whose opening bracket was not read yet.
	closings := make([]bool, 0, strings.Count(text, "]"))
	for i, left := len(text)-1, len(openings); left > 0; i-- {
		switch text[i] {
		case ']':
			closings = append(closings, account)
			account = false
		case '=':
			account = account || endsWithAid(text[:i])
		case '[':
			left--
			openings[left] = account || beginsTag(text[i+1:], inCode)
			after, closings = pop(closings)
			account = account || after
		}
	}
}

// widen makes the opening brackets that begin a tag full-width, and the closing brackets that belong to them.
func widen(text string, openings []bool) string {
	var b strings.Builder
	b.Grow(len(text) + count(openings)*(len("［］")-len("[]")))
	open := make([]bool, 0, len(openings))
	from := 0
	for i := range len(text) {
		tag, wide := false, "［"
		switch text[i] {
		case '[':
			tag, openings = openings[0], openings[1:]
			open = append(open, tag)
		case ']':
			tag, open = pop(open)
			wide = "］"
		}
		if tag {
			b.WriteString(text[from:i])
			b.WriteString(wide)
			from = i + 1
		}
	}
	b.WriteString(text[from:])
	return b.String()
}

// count returns how many flags are true.
func count(flags []bool) (n int) {
	for _, flag := range flags {
		if flag {
			n++
		}
	}
	return n
}

// pop returns the last element of a stack and the other elements. It returns false if the stack is empty.
func pop(stack []bool) (last bool, others []bool) {
	if len(stack) == 0 {
		return false, stack
	}
	return stack[len(stack)-1], stack[:len(stack)-1]
}

// beginsTag reports whether the text after a bracket begins a tag. A wide blank or an invisible character may end the
// word of the tag or stand within it, so both are tried: the word of "to\u200ball" may be "to" or "toall". An ASCII
// blank always ends the word.
func beginsTag(text string, inCode bool) bool {
	text, closing := strings.CutPrefix(strings.TrimLeftFunc(text, hidden), "/")
	if closing {
		text = strings.TrimLeftFunc(text, hidden)
	}
	if text == "" || text[0] <= unicode.MaxASCII && !inWord(rune(text[0])) {
		return false
	}
	word, capitals := make([]byte, 0, maxWord), false
	for {
		var more bool
		word, text, more = cutWord(word, text)
		capitals = capitals || more
		rest := strings.TrimLeftFunc(text, hidden)
		f, known := formOf(string(word))
		if known && (!inCode || f.account || string(word) == "code") && f.begins(rest, capitals, closing) {
			return true
		}
		if len(rest) == len(text) || text[0] <= unicode.MaxASCII {
			return false
		}
		text = rest
	}
}

// cutWord appends the word that a text begins with, in lower case, to another word of at most maxWord bytes. It returns
// the rest of the text and whether there were capitals.
func cutWord(word []byte, text string) (longer []byte, rest string, capitals bool) {
	for i, r := range text {
		small := lower(r)
		usual := 'a' <= small && small <= 'z' // spares the call, which matters for texts of megabytes
		if !usual && !inWord(r) || len(word)+utf8.RuneLen(r) > maxWord {
			return word, text[i:], capitals
		}
		word = utf8.AppendRune(word, small)
		capitals = capitals || small != r
	}
	return word, "", capitals
}

// inWord reports whether a character is a letter or an ASCII digit.
func inWord(r rune) bool {
	if r <= unicode.MaxASCII {
		return 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9'
	}
	return unicode.IsLetter(r) && !hidden(r)
}

// lower returns the ASCII letter that a letter is when case is ignored, and all other characters as they are.
func lower(r rune) rune {
	switch {
	case 'A' <= r && r <= 'Z':
		return r | 0x20
	case r == 'ſ':
		return 's'
	case r == '\u212a': // the sign of Kelvin
		return 'k'
	}
	return r
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
	switch {
	case r <= unicode.MaxASCII:
		return r <= ' ' || r == 0x7f
	case '\u3001' <= r && r < '\ufe00':
		return r == '\u3164' // the only one among the Chinese, Japanese and Korean characters
	}
	return unicode.IsSpace(r) || r == utf8.RuneError || unicode.In(r,
		unicode.Cc, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

var blanks = strings.NewReplacer(" ", "", "\t", "")
