package teamstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
)

// maxMessage is how many bytes a message may have.
// See https://github.com/MicrosoftDocs/msteams-docs/issues/11274.
const maxMessage = 28672

// A Card is an Adaptive Card as it was posted.
type Card struct {
	JSON      json.RawMessage
	texts     []string
	addresses []string
	images    []string
	mentions  []Mention
}

// A Mention is a person that a card calls.
type Mention struct{ ID, Name string }

// Texts returns all texts that people see: what the buttons say, and then the Markdown of the card from top to bottom.
func (c Card) Texts() []string { return slices.Clone(c.texts) }

// Mentions returns whom the card calls.
func (c Card) Mentions() []Mention { return slices.Clone(c.mentions) }

// Buttons returns the addresses that the card's buttons open.
func (c Card) Buttons() []string { return slices.Clone(c.addresses) }

// Images returns the addresses of the card's pictures.
func (c Card) Images() []string { return slices.Clone(c.images) }

// post is what the workflow does with a body: it returns the card, or why the run fails.
func post(body []byte) (Card, error) {
	message, err := decode(body)
	if err != nil {
		return Card{}, err
	}
	attachments, ok := message["attachments"].([]any)
	switch {
	case !ok:
		return Card{}, errors.New("ExpressionEvaluationFailed: the 'foreach' expression is of type 'Null', it must be an array")
	case len(attachments) != 1:
		return Card{}, fmt.Errorf("%d attachments, and only one is posted", len(attachments))
	}
	c := checker{}
	c.object("", message, messageMembers)
	if c.problem != nil {
		return Card{}, c.problem
	}
	if n := size(body); n > maxMessage {
		return Card{}, fmt.Errorf("RequestEntityTooLarge: actual message properties size: %d bytes, whereas max allowed size is %d bytes", n, maxMessage)
	}
	if err := c.checkMentions(); err != nil {
		return Card{}, err
	}
	attachment, _ := attachments[0].(map[string]any) // it was checked
	c.card.JSON, err = json.Marshal(attachment["content"])
	return c.card, err
}

func decode(body []byte) (map[string]any, error) {
	var message map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(&message); err != nil {
		return nil, fmt.Errorf("the body is not an object: %w", err)
	}
	return message, nil
}

// size counts the JSON as a string within JSON, with everything beyond ASCII escaped in both.
func size(body []byte) int {
	n := 0
	for _, r := range string(body) {
		switch {
		case r == '"' || r == '\\':
			n += len(`\"`)
		case r > 0x7e:
			n += len(`\\u0000`) * utf16.RuneLen(r)
		default:
			n++
		}
	}
	return n
}

var tag = regexp.MustCompile(`(?is)<\s*at\b[^>]*>.*?<\s*/\s*at\s*>`)

// checkMentions compares the tags with the entities.
func (c *checker) checkMentions() error {
	used := make(map[string]bool)
	for _, text := range c.card.texts {
		for _, found := range tag.FindAllString(text, -1) {
			if !slices.Contains(c.entities, found) {
				return fmt.Errorf("%q has no entity", found)
			}
			used[found] = true
		}
	}
	for _, e := range c.entities {
		if !used[e] {
			return fmt.Errorf("the entity %q is nowhere in the card", e)
		}
	}
	return nil
}

// isAddress reports whether s is an address that begins with one of the schemes.
func isAddress(s string, schemes ...string) bool {
	scheme, rest, ok := strings.Cut(s, "://")
	return ok && slices.Contains(schemes, strings.ToLower(scheme)) && rest != "" && !strings.ContainsAny(s, " \t\r\n")
}
