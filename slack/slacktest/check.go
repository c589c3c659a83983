package slacktest

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The limits of https://docs.slack.dev/reference/block-kit/blocks and of
// https://api.slack.com/changelog/2018-04-truncating-really-long-messages, in characters where they are of text.
const (
	maxMessage     = 40_000
	maxBlocks      = 50
	maxAttachments = 100
	maxTotal       = 13_200
	maxBlockID     = 255
	maxSection     = 3000
	maxField       = 2000
	maxFields      = 10
	maxElements    = 10
	maxHeader      = 150
	maxURL         = 3000
	maxAltText     = 2000
	maxTitle       = 2000
)

// cut cuts the text as Slack does, without an error.
func (m *Message) cut() {
	if runes := []rune(m.Text); len(runes) > maxMessage {
		m.Text = string(runes[:maxMessage])
	}
}

// check returns the refusal of a message that Slack would refuse.
func (m *Message) check(c checker) error {
	for i, b := range m.Blocks {
		c.block("blocks["+strconv.Itoa(i)+"]", b)
	}
	if c.problem != "" {
		return refuse(http.StatusBadRequest, "invalid_blocks", c.problem)
	}
	for i, a := range m.Attachments {
		c.attachment("attachments["+strconv.Itoa(i)+"]", a)
	}
	switch {
	case strings.TrimSpace(m.Text) == "" && len(m.Blocks)+len(m.Attachments) == 0:
		return refuse(http.StatusBadRequest, "no_text", "no text, blocks or attachments")
	case len(m.Attachments) > maxAttachments:
		return refuse(http.StatusBadRequest, "too_many_attachments", strconv.Itoa(len(m.Attachments))+" attachments")
	case len(m.Blocks) > maxBlocks:
		return refuse(http.StatusBadRequest, "invalid_blocks", strconv.Itoa(len(m.Blocks))+" blocks")
	case c.blocks > maxBlocks:
		return refuse(http.StatusBadRequest, "invalid_attachments", strconv.Itoa(c.blocks)+" blocks")
	case c.problem != "":
		return refuse(http.StatusBadRequest, "invalid_attachments", c.problem)
	case c.total > maxTotal:
		return refuse(http.StatusBadRequest, "msg_blocks_too_long", strconv.Itoa(c.total)+" characters in blocks")
	}
	return nil
}

// A checker checks blocks and keeps the first problem.
type checker struct {
	strict  bool // refuses types of blocks that it does not know
	fetches func(string) bool
	problem string
	blocks  int
	total   int // characters of text
}

func (c *checker) want(ok bool, where, problem string) {
	if !ok && c.problem == "" {
		c.problem = where + ": " + problem
	}
}

var color = regexp.MustCompile(`^(|good|warning|danger|#?[0-9A-Fa-f]{6})$`)

func (c *checker) attachment(where string, a Attachment) {
	c.want(color.MatchString(a.Color), where+".color", "not a colour")
	old := a.Pretext + a.Title + a.Text + a.ImageURL + a.Footer
	c.want(len(a.Blocks) > 0 || len(a.Fields) > 0 || old+a.Fallback != "", where, "empty")
	for i, b := range a.Blocks {
		c.block(where+".blocks["+strconv.Itoa(i)+"]", b)
	}
}

func (c *checker) block(where string, b Block) {
	c.blocks++
	c.want(utf8.RuneCountInString(b.BlockID) <= maxBlockID, where+".block_id", "too long")
	c.want(b.Type == "section" || b.Fields == nil, where+".fields", "not in a block of this type")
	c.want(b.Type == "context" || b.Elements == nil, where+".elements", "not in a block of this type")
	c.want(b.Type == "image" || b.ImageURL == nil && b.AltText == nil && b.Title == nil, where, "a member of a picture")
	c.want(b.Type == "section" || b.Type == "header" || b.Text == nil, where+".text", "not in a block of this type")
	switch b.Type {
	case "section":
		c.want(b.Text != nil || len(b.Fields) > 0, where, "neither text nor fields")
		c.text(where+".text", b.Text, maxSection, "mrkdwn", "plain_text")
		c.fields(where+".fields", b.Fields)
	case "header":
		c.want(b.Text != nil, where+".text", "missing")
		c.text(where+".text", b.Text, maxHeader, "plain_text", "")
	case "context":
		c.want(len(b.Elements) > 0, where+".elements", "missing")
		c.elements(where+".elements", b.Elements)
	case "image":
		c.image(where, b)
	case "divider":
	default:
		c.want(!c.strict && b.Type != "", where+".type", "unknown")
	}
}

func (c *checker) fields(where string, texts []Text) {
	c.want(len(texts) <= maxFields, where, "too many")
	for i := range texts {
		c.text(where+"["+strconv.Itoa(i)+"]", &texts[i], maxField, "mrkdwn", "plain_text")
	}
}

func (c *checker) elements(where string, elements []Element) {
	c.want(len(elements) <= maxElements, where, "too many")
	for i, e := range elements {
		at := where + "[" + strconv.Itoa(i) + "]"
		if e.Type == "image" {
			c.want(e.Text == "", at+".text", "not in a picture")
			c.image(at, Block{ImageURL: e.ImageURL, AltText: e.AltText})
			continue
		}
		c.want(e.ImageURL == nil && e.AltText == nil, at, "a member of a picture")
		text := e.asText()
		c.text(at, &text, maxSection, "mrkdwn", "plain_text")
	}
}

// text checks a text of one type or the other. The text may be missing.
func (c *checker) text(where string, t *Text, longest int, one, other string) {
	if t == nil {
		return
	}
	length := utf8.RuneCountInString(t.Text)
	c.total += length
	c.want(t.Type == one || t.Type == other, where+".type", "not "+one)
	c.want(strings.TrimSpace(t.Text) != "", where, "empty")
	c.want(length <= longest, where, strconv.Itoa(length)+" characters")
	c.want(t.Emoji == nil || t.Type == "plain_text", where+".emoji", "not in mrkdwn")
	c.want(t.Verbatim == nil || t.Type == "mrkdwn", where+".verbatim", "only in mrkdwn")
}

func (c *checker) image(where string, b Block) {
	if b.ImageURL == nil || b.AltText == nil {
		c.want(false, where, "image_url and alt_text are required")
		return
	}
	u, err := url.Parse(*b.ImageURL)
	c.want(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", where+".image_url", "not an address")
	c.want(utf8.RuneCountInString(*b.ImageURL) <= maxURL, where+".image_url", "too long")
	c.want(*b.AltText != "" && utf8.RuneCountInString(*b.AltText) <= maxAltText, where+".alt_text", "empty or too long")
	c.text(where+".title", b.Title, maxTitle, "plain_text", "")
	c.want(c.fetches(*b.ImageURL), where+".image_url", "downloading image failed")
}
