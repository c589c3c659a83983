package hipchattest

import (
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The numbers of items in answers.
const (
	recentMessages = 75 // in a history without a date
	defaultResults = 100
	maxResults     = 1000
)

// dateLayout is how the API writes dates.
const dateLayout = "2006-01-02T15:04:05.000000-07:00"

// An item is a message in a history.
type item struct {
	ID            string         `json:"id"`
	Date          string         `json:"date"`
	Type          string         `json:"type"`
	From          any            `json:"from"` // a string for a notification, a User for a message
	Message       string         `json:"message"`
	MessageFormat string         `json:"message_format,omitzero"`
	Color         string         `json:"color,omitzero"`
	Mentions      []User         `json:"mentions"`
	AttachTo      string         `json:"attach_to,omitzero"`
	Card          jsontext.Value `json:"card,omitzero"`
}

func items(messages []Message) []item {
	all := make([]item, len(messages))
	for i, m := range messages {
		all[i] = item{
			ID: m.ID, Date: m.Date.UTC().Format(dateLayout), Type: m.Type, From: m.From, Message: m.Text,
			Mentions: []User{}, AttachTo: m.AttachTo, Card: m.Card,
		}
		if m.User != nil {
			all[i].From = m.User
		} else {
			all[i].MessageFormat, all[i].Color = m.Format, m.Color
		}
	}
	return all
}

// query reads parameters. The first wrong parameter is the error.
type query struct {
	url.Values
	err error
}

func (q *query) fail(name string) {
	if q.err == nil {
		q.err = refuse(http.StatusBadRequest, "Invalid value "+repr(q.Get(name))+" for field '"+name+"'")
	}
}

func (q *query) number(name string, otherwise, most int) int {
	if !q.Has(name) {
		return otherwise
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 0 || n > most {
		q.fail(name)
	}
	return n
}

func (q *query) flag(name string, otherwise bool) bool {
	switch q.Get(name) {
	case "":
		return otherwise
	case "true":
		return true
	case "false":
		return false
	}
	q.fail(name)
	return false
}

// page reads what pages are asked for.
func (q *query) page() page {
	return page{start: q.number("start-index", 0, math.MaxInt32), most: q.number("max-results", defaultResults, maxResults)}
}

// date reads a time. It reports false if the parameter is missing.
func (q *query) date(name string) (t time.Time, ok bool) {
	value := q.Get(name)
	if value == "" || value == "recent" {
		return t, false
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, value); err == nil {
			return t, true
		}
	}
	q.fail(name)
	return t, false
}

// page is the part of a list that a request is for.
type page struct {
	start, most int
}

func (s *Server) roomHistory(c *call) (answer any, err error) {
	q := &query{Values: c.query}
	p := q.page()
	oldestFirst := q.flag("reverse", true)
	latest, dated := q.date("date")
	earliest, bounded := q.date("end-date")
	if bounded && !dated {
		q.fail("end-date")
	}
	if q.err != nil {
		return nil, q.err
	}
	messages := slices.Clone(c.room.messages)
	if dated {
		messages = slices.DeleteFunc(messages, func(m Message) bool {
			return m.Date.After(latest) || bounded && m.Date.Before(earliest)
		})
	} else {
		p.start, p.most = 0, recentMessages
	}
	slices.Reverse(messages) // pages begin with the newest
	shown, more := part(messages, p)
	if oldestFirst {
		slices.Reverse(shown)
	}
	return p.answer(c, items(shown), more && dated), nil
}

// part returns the page of a list, and whether there are more.
func part[T any](all []T, p page) (shown []T, more bool) {
	from := min(p.start, len(all))
	to := min(from+p.most, len(all))
	return all[from:to], to < len(all)
}

func (p page) answer(c *call, items any, more bool) map[string]any {
	links := map[string]string{"self": link(c, "")}
	if more {
		links["next"] = link(c, strconv.Itoa(p.start+p.most))
	}
	if p.start > 0 {
		links["prev"] = link(c, strconv.Itoa(max(0, p.start-p.most)))
	}
	return map[string]any{"items": items, "startIndex": p.start, "maxResults": p.most, "links": links}
}

// link returns the address of the call, without a token, and with another start-index unless that is "".
func link(c *call, start string) string {
	q := maps.Clone(c.query)
	q.Del("auth_token")
	if start != "" {
		q.Set("start-index", start)
	}
	u := *c.r.URL
	u.Scheme, u.Host, u.RawQuery = "http", c.r.Host, q.Encode()
	return u.String()
}

func (s *Server) latestHistory(c *call) (answer any, err error) {
	q := &query{Values: c.query}
	p := page{most: q.number("max-results", recentMessages, maxResults)}
	messages := c.room.messages
	if id := q.Get("not-before"); id != "" {
		from := slices.IndexFunc(messages, func(m Message) bool { return m.ID == id })
		if from < 0 {
			q.fail("not-before")
		}
		messages = messages[max(0, from):]
	}
	if q.err != nil {
		return nil, q.err
	}
	return p.answer(c, items(messages[max(0, len(messages)-p.most):]), false), nil
}
