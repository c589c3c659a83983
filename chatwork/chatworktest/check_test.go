package chatworktest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestParametersAreChecked(t *testing.T) {
	for _, test := range []struct{ name, method, path, form, text string }{
		{"a message needs a body", "POST", "/messages", "", "Parameter 'body' is required"},
		{"a message needs more than an empty body", "POST", "/messages", "body=", "Parameter 'body' is required"},
		{"a body in the query is not read", "POST", "/messages?body=x", "", "Parameter 'body' is required"},
		{"other parameters in the query are a mistake", "POST", "/messages?self_unread=1", "body=x", "Parameters in the query are not read"},
		{"a method in the query is no longer read", "POST", "/messages?method=PUT", "body=x", "Parameters in the query are not read"},
		{"true is not 1", "POST", "/messages", "body=x&self_unread=true", "Parameter 'self_unread' must be 0 or 1"},
		{"an empty flag is not 0", "POST", "/messages", "body=x&self_unread=", "Parameter 'self_unread' must be 0 or 1"},
		{"an unknown parameter is refused", "POST", "/messages", "body=x&text=y", "Parameter 'text' is unknown"},
		{"names are case-sensitive", "POST", "/messages", "Body=x", "Parameter 'Body' is unknown"},
		{"a parameter must not come twice", "POST", "/messages", "body=x&body=y", "Parameter 'body' is given twice"},
		{"a body must be UTF-8", "POST", "/messages", "body=%ff", "Parameter 'body' is not UTF-8"},
		{"a form must be well-formed", "POST", "/messages", "body=%zz", "malformed form encoding"},
		{"an edit needs a body", "PUT", "/messages/5", "", "Parameter 'body' is required"},
		{"an edit has no flag", "PUT", "/messages/5", "body=x&self_unread=1", "Parameter 'self_unread' is unknown"},
		{"force is a flag", "GET", "/messages?force=true", "", "Parameter 'force' must be 0 or 1"},
		{"a list cannot be paged", "GET", "/messages?page=2", "", "Parameter 'page' is unknown"},
		{"a single message has no parameters", "GET", "/messages/5?force=1", "", "Parameter 'force' is unknown"},
		{"deleting has no parameters", "DELETE", "/messages/5", "action_type=delete", "Parameter 'action_type' is unknown"},
		{"deleting has no query either", "DELETE", "/messages/5?x=1", "", "Parameter 'x' is unknown"},
		{"read takes an id", "PUT", "/messages/read", "message_id=all", "Parameter 'message_id' must be an id"},
		{"read takes no empty id", "PUT", "/messages/read", "message_id=", "Parameter 'message_id' must be an id"},
		{"an id has at most 19 digits", "PUT", "/messages/read", "message_id=12345678901234567890", "Parameter 'message_id' must be an id"},
		{"unread needs an id", "PUT", "/messages/unread", "", "Parameter 'message_id' is required"},
		{"an id in the query is not read", "PUT", "/messages/read?message_id=5", "", "Parameters in the query are not read"},
		{"a room has no parameters", "GET", "?description=1", "", "Parameter 'description' is unknown"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, c := start(t)
			s.Strict(true)
			sample := chatworktest.Message{MessageID: "5", Body: "as it was", SelfUnread: true}
			s.AddMessage(chatworktest.RoomID, sample)
			c.do(t, test.method, room+test.path, test.form).refused(t, 400, test.text)
			if got := s.Messages(chatworktest.RoomID); len(got) != 1 || got[0].Body != sample.Body || got[0].Deleted {
				t.Errorf("a refused request left %+v", got)
			}
			if read := c.do(t, "PUT", room+"/messages/read", ""); read.Status != 200 {
				t.Errorf("a refused request marked the message as read")
			}
		})
	}
}

func TestUnknownParametersAreIgnoredUnlessTheFakeIsStrict(t *testing.T) {
	s, c := start(t)
	c.post(t, "body=x&text=y&text=z")
	if a := c.do(t, "POST", room+"/messages?self_unread=1", "body=x"); a.Status != 200 || s.Messages(0) != nil {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if got := s.Messages(chatworktest.RoomID); len(got) != 2 || got[1].SelfUnread {
		t.Errorf("the query of a POST was read: %+v", got)
	}
	c.do(t, "GET", room+"/messages?page=2", "").want(t, 200, c.do(t, "GET", room+"/messages?force=1", "").Body)
}

func TestAFormMustBeDeclaredAsOne(t *testing.T) {
	_, c := start(t)
	for contentType, status := range map[string]int{"application/json": 400, "": 400, "application/x-www-form-urlencoded; charset=UTF-8": 200} {
		if a := c.send(t, "POST", room+"/messages", "body=x", "X-ChatWorkToken", c.token, "Content-Type", contentType); a.Status != status {
			t.Errorf("%q: %d %s, want %d", contentType, a.Status, a.Body, status)
		}
	}
}

func TestABodyHas1To65535Bytes(t *testing.T) {
	_, c := start(t)
	for name, test := range map[string]struct {
		body   string
		status int
	}{
		"one byte":                  {"x", 200},
		"the limit":                 {strings.Repeat("x", 65535), 200},
		"one byte more":             {strings.Repeat("x", 65536), 400},
		"the limit in Japanese":     {strings.Repeat("鯖", 21845), 200},
		"one byte more in Japanese": {strings.Repeat("鯖", 21845) + "x", 400},
		"a line break":              {"\n", 200},
	} {
		if a := c.do(t, "POST", room+"/messages", url.Values{"body": {test.body}}.Encode()); a.Status != test.status {
			t.Errorf("%s: %d %s, want %d", name, a.Status, a.Body, test.status)
		}
	}
}
