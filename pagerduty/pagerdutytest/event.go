package pagerdutytest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// An Event is an event as it was sent.
type Event struct {
	RoutingKey  string   `json:"routing_key"`
	EventAction string   `json:"event_action"`
	DedupKey    string   `json:"dedup_key,omitzero"` // made up by the server if there was none
	Payload     *Payload `json:"payload,omitzero"`   // nil if there was none
	Images      []Image  `json:"images,omitzero"`
	Links       []Link   `json:"links,omitzero"`
	Client      string   `json:"client,omitzero"`
	ClientURL   string   `json:"client_url,omitzero"`
}

// A Payload is what an event says.
type Payload struct {
	Summary       string         `json:"summary"`
	Source        string         `json:"source"`
	Severity      string         `json:"severity"`
	Timestamp     string         `json:"timestamp,omitzero"`
	Component     string         `json:"component,omitzero"`
	Group         string         `json:"group,omitzero"`
	Class         string         `json:"class,omitzero"`
	CustomDetails map[string]any `json:"custom_details,omitzero"`
}

// An Image is a picture of an incident.
type Image struct {
	Src  string `json:"src"`
	Href string `json:"href,omitzero"`
	Alt  string `json:"alt,omitzero"`
}

// A Link is a link of an incident.
type Link struct {
	Href string `json:"href"`
	Text string `json:"text,omitzero"`
}

// notJSON is PagerDuty's word for a body that it cannot parse.
const notJSON = "JSON parse error"

// readEvent returns the event and what is wrong with it.
func readEvent(r *http.Request, body []byte) (e Event, problems []string) {
	if !json.Valid(body) {
		return e, []string{notJSON}
	}
	if err := fakehttp.DecodeJSON(r, &e); err != nil {
		return e, []string{err.Error()}
	}
	return e, e.problems()
}

func (e Event) problems() (problems []string) {
	add := func(wrong bool, problem string) {
		if wrong {
			problems = append(problems, problem)
		}
	}
	add(len(e.RoutingKey) != 32, "Length of 'routing_key' is incorrect (should be 32 characters)")
	add(strings.ContainsFunc(e.RoutingKey, notAlphanumeric), "'routing_key' cannot contain non-alphanumeric characters.")
	add(!slices.Contains([]string{"trigger", "acknowledge", "resolve"}, e.EventAction), "'event_action' is invalid (must be one of trigger, acknowledge, resolve)")
	add(length(e.DedupKey) > 255, "'dedup_key' is too long (maximum is 255 characters)")
	if e.EventAction != "trigger" {
		add(e.DedupKey == "", "'dedup_key' is missing or blank")
		return problems
	}
	if e.Payload == nil {
		return append(problems, "'payload' is missing or blank")
	}
	problems = append(problems, e.Payload.problems()...)
	for i, image := range e.Images {
		u, err := url.Parse(image.Src)
		add(err != nil || u.Scheme != "https" || u.Host == "", "'images["+strconv.Itoa(i)+"].src' is not an https URL")
	}
	for i, link := range e.Links {
		u, err := url.Parse(link.Href)
		add(err != nil || u.Host == "", "'links["+strconv.Itoa(i)+"].href' is not a URL")
	}
	return problems
}

func (p Payload) problems() (problems []string) {
	for _, field := range []struct{ name, value string }{{"summary", p.Summary}, {"source", p.Source}} {
		if strings.TrimSpace(field.value) == "" {
			problems = append(problems, "'"+field.name+"' is missing or blank")
		}
	}
	if length(p.Summary) > 1024 {
		problems = append(problems, "'summary' is too long (maiximum is 1024 characters)") // PagerDuty's own spelling
	}
	if !slices.Contains([]string{"critical", "error", "warning", "info"}, p.Severity) {
		problems = append(problems, "'severity' is invalid (must be one of critical, error, warning, info)")
	}
	if p.Timestamp != "" && !isTime(p.Timestamp) {
		problems = append(problems, "'timestamp' is invalid (must be a date-time of ISO 8601)")
	}
	return problems
}

// isTime reports whether s is a time as PagerDuty's examples have it, with or without a colon in the offset.
func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	if err != nil {
		_, err = time.Parse("2006-01-02T15:04:05-0700", s)
	}
	return err == nil
}

func notAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// length counts UTF-16 units.
func length(s string) int { return len(utf16.Encode([]rune(s))) }
