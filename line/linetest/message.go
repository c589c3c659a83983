package linetest

import "github.com/go-json-experiment/json/jsontext"

// A Message is a message object as it was sent: a text, textV2, flex or image.
type Message struct {
	Type               string         `json:"type"`
	Text               string         `json:"text"`         // of a text or textV2
	Substitution       jsontext.Value `json:"substitution"` // of a textV2
	AltText            string         `json:"altText"`      // of a flex
	Contents           jsontext.Value `json:"contents"`     // of a flex
	OriginalContentURL string         `json:"originalContentUrl"`
	PreviewImageURL    string         `json:"previewImageUrl"`
	Bubble             *Bubble        `json:"-"` // the contents of a flex
}

// A Bubble is the contents of a flex message.
type Bubble struct {
	Type   string     `json:"type"`
	Size   string     `json:"size"`
	Header *Component `json:"header"`
	Hero   *Component `json:"hero"`
	Body   *Component `json:"body"`
	Footer *Component `json:"footer"`
	Styles struct {
		Header struct {
			BackgroundColor string `json:"backgroundColor"`
		} `json:"header"`
	} `json:"styles"`
}

// A Component is a box, text, image, button or separator.
type Component struct {
	Type        string      `json:"type"`
	Layout      string      `json:"layout"`   // of a box
	Contents    []Component `json:"contents"` // of a box
	Spacing     string      `json:"spacing"`  // of a box
	Text        string      `json:"text"`     // of a text
	Weight      string      `json:"weight"`   // of a text
	Wrap        bool        `json:"wrap"`     // of a text
	URL         string      `json:"url"`      // of an image
	AspectRatio string      `json:"aspectRatio"`
	AspectMode  string      `json:"aspectMode"`
	Height      string      `json:"height"` // of a button
	Style       string      `json:"style"`  // of a text or button
	Action      *Action     `json:"action"`
	Size        string      `json:"size"`
	Color       string      `json:"color"`
	Margin      string      `json:"margin"`
	Flex        int         `json:"flex"`
}

// An Action is what a component does when it is tapped: it opens an address. The label is shown on buttons only.
type Action struct {
	Type  string `json:"type"`
	Label string `json:"label"`
	URI   string `json:"uri"`
}

// Texts returns the texts that people read, in the order in which they stand on the screen. The first text of a flex
// message is its alternative text. Addresses are left out, and so are labels that are not on a button.
func (m Message) Texts() []string {
	if m.Bubble == nil {
		return []string{m.Text}
	}
	all := []string{m.AltText}
	for _, block := range []*Component{m.Bubble.Header, m.Bubble.Hero, m.Bubble.Body, m.Bubble.Footer} {
		if block != nil {
			all = block.appendTexts(all)
		}
	}
	return all
}

func (c Component) appendTexts(all []string) []string {
	if c.Text != "" {
		all = append(all, c.Text)
	}
	for _, inner := range c.Contents {
		all = inner.appendTexts(all)
	}
	if c.Type == "button" && c.Action != nil {
		all = append(all, c.Action.Label)
	}
	return all
}
