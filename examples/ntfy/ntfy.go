package main

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/webhook"
)

// A message has the members that an alert needs of those at https://docs.ntfy.sh/publish/#publish-as-json.
type message struct {
	Topic    string   `json:"topic"`
	Title    string   `json:"title"`
	Message  string   `json:"message"`
	Priority int      `json:"priority"` // 1 to 5; 4 and 5 vibrate longer
	Tags     []string `json:"tags"`     // names of emoji
	Click    string   `json:"click,omitempty"`
}

// The server refuses JSON of more than 8,192 bytes, and makes a file of a message of more than 4,096 bytes. These parts
// of it, in bytes of JSON, leave room for the topic.
const (
	maxTitle   = 1000
	maxMessage = 4096
	maxClick   = 2000
)

// newNtfy returns a notifier that sends to a topic. The URL is that of the server, without the topic. Unless set, the
// pace is that of ntfy.sh: 60 requests at once, and then a request in 5 s (https://docs.ntfy.sh/publish/#limitations).
func newNtfy(url, topic string, token mackerel.Secret, call mackerel.CallOptions) (*webhook.Notifier, error) {
	if call.Pace == (mackerel.Pace{}) {
		call.Pace = mackerel.Pace{N: 60, Per: 5 * time.Minute}
	}
	config := webhook.Config{URL: mackerel.NewSecret(url), Call: call}
	if !token.IsZero() {
		config.Header = map[string]mackerel.Secret{"Authorization": mackerel.NewSecret("Bearer " + token.Reveal())}
	}
	config.Edit = func(m *webhook.Message, a mackerel.Alert) (err error) {
		m.Raw, err = json.Marshal(newMessage(topic, a))
		return err
	}
	return webhook.New(config)
}

// newMessage says what LINE's notifier says, which sends to phones, too. Texts that are too long are left out by the
// line: an Edit function cannot report a text that it has cut.
func newMessage(topic string, a mackerel.Alert) message {
	words := line.DefaultMessage(a, mackerel.Text{})
	lines := strings.Split(words.Text, "\n")
	for _, f := range words.Facts {
		lines = append(lines, f.Label+": "+f.Value)
	}
	m := message{Topic: topic, Title: "Mackerel", Click: fit(maxClick, words.URL), Message: fit(maxMessage, lines...)}
	for _, title := range []string{"[" + a.StatusLabel() + "]", words.Title} {
		m.Title = cmp.Or(fit(maxTitle, title), m.Title)
	}
	switch label := a.StatusLabel(); label {
	case "CRITICAL":
		m.Priority, m.Tags = 5, []string{"rotating_light"}
	case "WARNING":
		m.Priority, m.Tags = 4, []string{"warning"}
	case "OK", "CLOSED":
		m.Priority, m.Tags = 2, []string{"white_check_mark"}
	default:
		m.Priority, m.Tags = 3, []string{"information_source"}
	}
	return m
}

// fit joins the lines that have room in so many bytes of JSON.
func fit(bytes int, lines ...string) string {
	var kept []string
	for _, l := range lines {
		b, _ := json.Marshal(l) // a string has no errors
		if n := len(b); n <= bytes {
			kept, bytes = append(kept, l), bytes-n
		}
	}
	return strings.Join(kept, "\n")
}
