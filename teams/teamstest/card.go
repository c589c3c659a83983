package teamstest

// A message is the body of a request.
type message struct {
	Type        string `json:"type"`
	Summary     string `json:"summary"`
	Attachments []struct {
		ContentType string  `json:"contentType"`
		ContentURL  *string `json:"contentUrl"`
		Content     Card    `json:"content"`
	} `json:"attachments"`
}

// A Card is an Adaptive Card of version 1.4 (https://adaptivecards.io/explorer).
type Card struct {
	Schema  string    `json:"$schema"`
	Type    string    `json:"type"`
	Version string    `json:"version"`
	MSTeams MSTeams   `json:"msteams"`
	Body    []Element `json:"body"`
	Actions []Action  `json:"actions"`
}

// MSTeams is what Teams adds to a card or, AllowExpand, to an Image.
type MSTeams struct {
	Width       string   `json:"width"`
	Entities    []Entity `json:"entities"`
	AllowExpand bool     `json:"allowExpand"`
}

// An Entity says whom the text of an <at> mentions.
type Entity struct {
	Type      string  `json:"type"`
	Text      string  `json:"text"`
	Mentioned Mention `json:"mentioned"`
}

// A Mention is a person whom a card mentions.
type Mention struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// An Element is a TextBlock, FactSet, Image or Container.
type Element struct {
	Type     string    `json:"type"`
	Text     string    `json:"text"` // of a TextBlock
	Wrap     bool      `json:"wrap"`
	IsSubtle bool      `json:"isSubtle"`
	Weight   string    `json:"weight"`
	Color    string    `json:"color"`
	Size     string    `json:"size"`  // of a TextBlock or Image
	Facts    []Fact    `json:"facts"` // of a FactSet
	URL      string    `json:"url"`   // of an Image
	AltText  string    `json:"altText"`
	MSTeams  MSTeams   `json:"msteams"`
	Items    []Element `json:"items"` // of a Container
	Style    string    `json:"style"`
	Bleed    bool      `json:"bleed"`
}

// A Fact is a line of a FactSet.
type Fact struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

// An Action is a button.
type Action struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Texts returns the texts that people see: what the buttons say, and then the Markdown of the card from top to bottom.
func (c Card) Texts() []string {
	var all []string
	for _, a := range c.Actions {
		all = append(all, a.Title)
	}
	return appendTexts(all, c.Body)
}

func appendTexts(all []string, elements []Element) []string {
	for _, e := range elements {
		if e.Type == "TextBlock" {
			all = append(all, e.Text)
		}
		for _, f := range e.Facts {
			all = append(all, f.Title, f.Value)
		}
		all = appendTexts(all, e.Items)
	}
	return all
}

// Mentions returns the people whom the card mentions.
func (c Card) Mentions() []Mention {
	var all []Mention
	for _, e := range c.MSTeams.Entities {
		all = append(all, e.Mentioned)
	}
	return all
}
