package typetalktest

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Limits of https://developer.nulab.com/docs/typetalk/api/1/post-message/.
const (
	maxMessage = 4000 // UTF-16 units
	maxItems   = 5    // of files, of talks and of attachments
)

// fields are those that the page documents.
func fields() []string {
	names := []string{"message", "replyTo", "showLinkMeta", "ignoreHashtag", tokenParam}
	for i := range maxItems {
		n := "[" + strconv.Itoa(i) + "]"
		names = append(names, "fileKeys"+n, "talkIds"+n, "attachments"+n+".fileUrl", "attachments"+n+".fileName")
	}
	return names
}

// The values of fields that are not text. A field may be empty.
var (
	number = regexp.MustCompile(`^[0-9]*$`)
	flag   = regexp.MustCompile(`^(true|false)?$`)
)

// readPost returns the post that a form asks for, or why it is refused.
func readPost(form url.Values) (Post, error) {
	p := Post{Message: form.Get("message"), IgnoreHashtag: form.Get("ignoreHashtag") == "true"}
	switch {
	case strings.TrimSpace(p.Message) == "":
		return p, badRequest("message is required")
	case len(utf16.Encode([]rune(p.Message))) > maxMessage:
		return p, badRequest("message is too long")
	case !number.MatchString(form.Get("replyTo")):
		return p, badRequest("replyTo must be a number")
	case !flag.MatchString(form.Get("showLinkMeta")):
		return p, badRequest("showLinkMeta must be true or false")
	case !flag.MatchString(form.Get("ignoreHashtag")):
		return p, badRequest("ignoreHashtag must be true or false")
	}
	return p, nil
}

// mention finds an @ and the name after it, in any place. Typetalk wants a blank before the @; text that relies on that
// is better not let through by a test.
var mention = regexp.MustCompile(`@([0-9A-Za-z_.-]+)`)

// Mentions returns the names that a message calls, such as "all".
func (p Post) Mentions() []string {
	var names []string
	for _, m := range mention.FindAllStringSubmatch(p.Message, -1) {
		names = append(names, m[1])
	}
	return names
}
