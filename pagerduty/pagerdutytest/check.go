package pagerdutytest

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// Limits of https://developer.pagerduty.com/docs/send-alert-event and, for the body, in bytes, of
// https://developer.pagerduty.com/docs/events-api-v2-overview. The others are in characters.
const (
	keyLength  = 32 // of every integration key
	maxKey     = 255
	maxSummary = 1024
	maxBody    = 512_000
)

// problems returns what PagerDuty would refuse the event for, in its words as far as they are known.
func (e Event) problems() (problems []string) {
	add := func(wrong bool, problem string) {
		if wrong {
			problems = append(problems, problem)
		}
	}
	add(len(e.RoutingKey) != keyLength, "Length of 'routing_key' is incorrect (should be 32 characters)")
	strange := strings.ContainsFunc(e.RoutingKey, notAlphanumeric)
	add(strange, "'routing_key' cannot contain non-alphanumeric characters.")
	known := slices.Contains([]string{"trigger", "acknowledge", "resolve"}, e.EventAction)
	add(!known, "'event_action' is invalid (must be one of trigger, acknowledge, resolve)")
	add(length(e.DedupKey) > maxKey, "'dedup_key' is too long (maximum is 255 characters)")
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
	if length(p.Summary) > maxSummary {
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

// isTime reports whether s is a time of ISO 8601. PagerDuty's examples have no colon in the offset.
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
