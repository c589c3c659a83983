package slacktest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/strict"
	"github.com/mackerel-notify/mackerel/slack"
)

// The elements of the webhook's path. Whoever has all three can post. [fakehttp.Server.RevokeToken] revokes the Token.
const (
	Team  = "T0FAKE001"
	Hook  = "B0FAKE002"
	Token = "slacktestHookToken000003"
)

// path is the path of a webhook, but for the token.
const path = "/services/" + Team + "/" + Hook + "/"

// lane is the lane of the only limit.
const lane = "messages"

// A Server is a fake of one webhook. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server
	messages fakehttp.Log[Message]

	mu      sync.Mutex
	fetches func(address string) bool
}

// New returns a server with one webhook, whose token is [Token]. Close ends it.
func New() *Server {
	s := &Server{fetches: func(string) bool { return true }}
	s.Server = fakehttp.NewFake(s.serve, invalidPayload, fakehttp.Limit{Lane: lane, N: 1, Per: time.Second})
	s.AddToken(Token)
	return s
}

// Config returns the configuration of a notifier that posts to the fake over the loopback interface.
func (s *Server) Config() slack.Config { return config(s.URL()) }

// MemoryConfig returns the configuration of a notifier that posts to the fake in memory, for testing/synctest.
func (s *Server) MemoryConfig() slack.Config {
	c := config(fakehttp.MemoryURL)
	c.Call.Client = s.Client()
	return c
}

func config(base string) slack.Config {
	return slack.Config{URL: mackerel.NewSecret(base + path + Token), Call: mackerel.CallOptions{Pace: mackerel.Unpaced}}
}

// SetPictures says which addresses of pictures Slack can fetch; at first all. The function must be safe for concurrent
// use.
func (s *Server) SetPictures(fetches func(address string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetches = fetches
}

// Messages returns what was posted, oldest first.
func (s *Server) Messages() []Message { return s.messages.All() }

// A Message is a message as it was posted.
type Message struct {
	Time        time.Time    `json:"-"` // by the server's clock
	Text        string       `json:"text,omitzero"`
	Blocks      []Block      `json:"blocks,omitzero"`
	Attachments []Attachment `json:"attachments,omitzero"`
	ThreadTS    string       `json:"thread_ts,omitzero"`
	Mrkdwn      *bool        `json:"mrkdwn,omitzero"`
	UnfurlLinks *bool        `json:"unfurl_links,omitzero"`
	UnfurlMedia *bool        `json:"unfurl_media,omitzero"`
}

// An Attachment is blocks beside a coloured bar, or the older form with fields.
type Attachment struct {
	Color      string   `json:"color,omitzero"`
	Fallback   string   `json:"fallback,omitzero"`
	Blocks     []Block  `json:"blocks,omitzero"`
	Pretext    string   `json:"pretext,omitzero"`
	AuthorName string   `json:"author_name,omitzero"`
	AuthorLink string   `json:"author_link,omitzero"`
	Title      string   `json:"title,omitzero"`
	TitleLink  string   `json:"title_link,omitzero"`
	Text       string   `json:"text,omitzero"`
	Fields     []Field  `json:"fields,omitzero"`
	ImageURL   string   `json:"image_url,omitzero"`
	ThumbURL   string   `json:"thumb_url,omitzero"`
	Footer     string   `json:"footer,omitzero"`
	FooterIcon string   `json:"footer_icon,omitzero"`
	TS         float64  `json:"ts,omitzero"` // Unix seconds
	MrkdwnIn   []string `json:"mrkdwn_in,omitzero"`
}

// A Field is a field of an older attachment.
type Field struct {
	Title string `json:"title,omitzero"`
	Value string `json:"value,omitzero"`
	Short bool   `json:"short,omitzero"`
}

// A Block is a block of a message. A block whose type the fake does not know has Type, BlockID and Other alone.
type Block struct {
	Type     string    `json:"type"`
	BlockID  string    `json:"block_id,omitzero"`
	Text     *Text     `json:"text,omitzero"`
	Fields   []Text    `json:"fields,omitzero"`
	Elements []Element `json:"elements,omitzero"` // of a context block
	ImageURL *string   `json:"image_url,omitzero"`
	AltText  *string   `json:"alt_text,omitzero"`
	Title    *Text     `json:"title,omitzero"`

	Other []byte `json:"-"` // the JSON of a block whose type the fake does not know
}

// known are the types of blocks that the fake checks. Slack has more, and adds types from time to time.
var known = []string{"section", "header", "context", "image", "divider"}

// UnmarshalJSONFrom looks at the type first: members of other blocks have the same names and other types.
func (b *Block) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	var head struct {
		Type    string `json:"type"`
		BlockID string `json:"block_id"`
	}
	if err := json.Unmarshal(raw, &head); err == nil && !slices.Contains(known, head.Type) {
		*b = Block{Type: head.Type, BlockID: head.BlockID, Other: bytes.Clone(raw)}
		return nil
	}
	type members Block // without this method
	err = json.Unmarshal(raw, (*members)(b), d.Options())
	var wrong *json.SemanticError
	if errors.As(err, &wrong) {
		wrong.JSONPointer = d.StackPointer() + wrong.JSONPointer
	}
	return err
}

// An Element is a text or a picture within a context block.
type Element struct {
	Type     string  `json:"type"` // plain_text, mrkdwn or image
	Text     string  `json:"text,omitzero"`
	Emoji    *bool   `json:"emoji,omitzero"`    // of plain_text
	Verbatim *bool   `json:"verbatim,omitzero"` // of mrkdwn
	ImageURL *string `json:"image_url,omitzero"`
	AltText  *string `json:"alt_text,omitzero"`
}

func (e Element) asText() Text { return Text{e.Type, e.Text, e.Emoji, e.Verbatim} }

// A Text is a text within a block.
type Text struct {
	Type     string `json:"type"` // plain_text or mrkdwn
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji,omitzero"`    // of plain_text
	Verbatim *bool  `json:"verbatim,omitzero"` // of mrkdwn
}

// refuse returns the answer of one word, and what the fake has to say besides.
func refuse(status int, word, problem string) *fakehttp.Refusal {
	return &fakehttp.Refusal{
		Status: status, Header: http.Header{"Content-Type": {"text/html"}}, Body: word, Problem: word + ": " + problem,
	}
}

func invalidPayload(err error) *fakehttp.Refusal {
	return refuse(http.StatusBadRequest, "invalid_payload", err.Error())
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	if err := s.authorize(r); err != nil {
		return err
	}
	m := Message{Time: s.Now()}
	if err := s.read(r, &m); err != nil {
		return err
	}
	m.cut()
	s.mu.Lock()
	c := checker{strict: s.IsStrict(), fetches: s.fetches}
	s.mu.Unlock()
	if err := m.check(c); err != nil {
		return err
	}
	s.messages.Add(m)
	s.Accept()
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "ok") // fails only if the client has gone
	return nil
}

// read decodes the message. Unless the fake is strict, it also takes what older clients send: JSON without a
// Content-Type, and a form whose field payload is the JSON.
func (s *Server) read(r *http.Request, m *Message) error {
	contentType := r.Header.Get("Content-Type")
	mediaType, _, _ := mime.ParseMediaType(contentType) // strict.JSON refuses a type that is malformed
	switch {
	case !s.IsStrict() && contentType == "":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		return strict.Unmarshal(body, m, true)
	case !s.IsStrict() && mediaType == "application/x-www-form-urlencoded":
		form, err := strict.Form(r, true, "payload")
		if err != nil {
			return err
		}
		return strict.Unmarshal([]byte(form.Get("payload")), m, true)
	}
	return strict.JSON(r, m, !s.IsStrict())
}

// authorize checks the method, the address and the limit.
// See https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks.
func (s *Server) authorize(r *http.Request) error {
	token, known := strings.CutPrefix(r.URL.Path, path)
	a := s.Take(lane, token)
	switch {
	case r.Method != http.MethodPost:
		return refuse(http.StatusMethodNotAllowed, "method_not_allowed", r.Method)
	case !strings.HasPrefix(r.URL.Path, "/services/"+Team+"/"):
		return refuse(http.StatusNotFound, "no_team", "the first element of the path is not Team")
	case !known:
		return refuse(http.StatusNotFound, "no_service", "the second element of the path is not Hook")
	case !s.HasToken(token):
		return refuse(http.StatusForbidden, "invalid_token", "the third element of the path is not Token")
	case !a.OK:
		refusal := refuse(http.StatusTooManyRequests, "rate_limited", "too many messages")
		refusal.Header.Set("Retry-After", a.RetryAfter())
		return refusal
	}
	return nil
}
