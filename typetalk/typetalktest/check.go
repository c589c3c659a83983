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

// readPost returns the post that a form asks for, or why it is refused.
func readPost(form url.Values) (Post, error) {
	p := Post{Message: form.Get("message")}
	switch {
	case strings.TrimSpace(p.Message) == "":
		return p, badRequest("message is required")
	case len(utf16.Encode([]rune(p.Message))) > maxMessage:
		return p, badRequest("message is too long")
	}
	if id := form.Get("replyTo"); id != "" {
		if _, err := strconv.ParseInt(id, 10, 64); err != nil {
			return p, badRequest("replyTo must be a number")
		}
	}
	var err error
	if p.ShowLinkMeta, err = flag(form, "showLinkMeta", true); err != nil {
		return p, err
	}
	p.IgnoreHashtag, err = flag(form, "ignoreHashtag", false)
	return p, err
}

func flag(form url.Values, name string, otherwise bool) (bool, error) {
	switch form.Get(name) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "":
		return otherwise, nil
	}
	return false, badRequest(name + " must be true or false")
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
