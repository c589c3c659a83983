package slacktest

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// The elements of the webhook's path; whoever has all three can post.
const (
	Team  = "T0FAKE001"
	Hook  = "B0FAKE002"
	Token = "slacktestHookToken000003"
)

// Path is the path of the webhook.
const Path = "/services/" + Team + "/" + Hook + "/" + Token

// MemoryURL is the webhook's address for a client that goes through [fakehttp.Server.Client].
const MemoryURL = fakehttp.MemoryURL + Path

// The rate limit as this fake has it.
const (
	rateLimit  = 25
	rateWindow = 25 * time.Second
)

// A Server is a fake of one webhook. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu       sync.Mutex
	posts    *fakehttp.Window
	messages []Message
	problems []string
	refusal  *refusal
	fetches  func(address string) bool
}

// NewServer returns a server with the webhook at [Path]. It listens nowhere until WebhookURL, URL or Client is called;
// Close ends it.
func NewServer() *Server {
	s := &Server{posts: fakehttp.NewWindow(rateLimit, rateWindow), fetches: func(string) bool { return true }}
	s.Server = fakehttp.NewServer(http.HandlerFunc(s.serve))
	return s
}

// WebhookURL returns the webhook's address on the loopback interface. As URL, it is not for a testing/synctest bubble;
// see [MemoryURL].
func (s *Server) WebhookURL() string { return s.URL() + Path }

// Messages returns what was posted, oldest first.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Problems returns in plain words what messages were refused for, oldest first. Slack itself does not say.
func (s *Server) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
}

// Refuse lets the webhook answer with one of Slack's words, such as "channel_is_archived", whatever it is sent, until
// Refuse(""). It panics if it does not know the word.
func (s *Server) Refuse(word string) {
	status, known := statuses[word]
	if !known && word != "" {
		panic("slacktest: Refuse: unknown word " + strconv.Quote(word))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal = nil; known {
		s.refusal = &refusal{status, word, "refused by the test"}
	}
}

// SetRateLimit changes how many messages the webhook takes in 25 seconds, which is 25, and forgets what was counted.
func (s *Server) SetRateLimit(messages int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts = fakehttp.NewWindow(messages, rateWindow)
}

// SetPictures says which addresses of pictures Slack can fetch; at first all. The function must be safe for concurrent
// use.
func (s *Server) SetPictures(fetches func(address string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetches = fetches
}

// statuses are the words that Slack answers with, and their statuses.
// See https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks.
var statuses = map[string]int{
	"invalid_payload": 400, "invalid_blocks": 400, "invalid_attachments": 400, "no_text": 400, "too_many_attachments": 400,
	"msg_blocks_too_long": 400, "user_not_found": 400,
	"action_prohibited": 403, "posting_to_general_channel_denied": 403, "invalid_token": 403, "team_disabled": 403,
	"channel_not_found": 404, "no_service": 404, "no_service_id": 404, "no_team": 404, "no_active_hooks": 404,
	"channel_is_archived": 410, "rate_limited": 429, "rollup_error": 500,
}

// A refusal is an answer of one word, and what the fake has to say besides.
type refusal struct {
	status  int
	word    string
	problem string
}

func (r *refusal) Error() string { return r.word + ": " + r.problem }

func refuse(word, problem string) error { return &refusal{statuses[word], word, problem} }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "text/html")
	m, err := s.read(w.Header(), r)
	if err == nil {
		s.messages = append(s.messages, m)
		answer(w, http.StatusOK, "ok")
		return
	}
	var refused *refusal
	if !errors.As(err, &refused) {
		refused = &refusal{http.StatusBadRequest, "invalid_payload", err.Error()}
	}
	s.problems = append(s.problems, refused.Error())
	answer(w, refused.status, refused.word)
}

func answer(w http.ResponseWriter, status int, word string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, word) // fails only if the client has gone
}

// read returns the message, or why there is none.
func (s *Server) read(header http.Header, r *http.Request) (Message, error) {
	if err := checkAddress(r); err != nil {
		return Message{}, err
	}
	if s.refusal != nil {
		return Message{}, s.refusal
	}
	if err := s.take(header); err != nil {
		return Message{}, err
	}
	var m Message
	if err := fakehttp.DecodeJSON(r, &m); err != nil {
		return Message{}, err
	}
	m.Time = s.Now()
	m.cut()
	return m, m.check(s.fetches)
}

func checkAddress(r *http.Request) error {
	elements := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/services/"), "/")
	switch {
	case r.Method != http.MethodPost:
		return &refusal{http.StatusMethodNotAllowed, "", "the method is " + r.Method}
	case len(elements) != 3 || elements[0] != Team:
		return refuse("no_team", "no such team, or no path of a webhook")
	case elements[1] != Hook:
		return refuse("no_service", "no such webhook")
	case elements[2] != Token:
		return refuse("invalid_token", "the last element of the path is wrong")
	}
	return nil
}

// take counts a post.
func (s *Server) take(header http.Header) error {
	now := s.Now()
	_, reset, ok := s.posts.Take("", now)
	if ok {
		return nil
	}
	seconds := int64((reset.Sub(now) + time.Second - 1) / time.Second)
	header.Set("Retry-After", strconv.FormatInt(seconds, 10))
	return refuse("rate_limited", "more than one message in a second")
}

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

// An Attachment is one of a message's: blocks beside a coloured bar, or the fields of old.
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
	TS         int64    `json:"ts,omitzero"` // Unix seconds
	MrkdwnIn   []string `json:"mrkdwn_in,omitzero"`
}

// A Field is a field of an attachment of old.
type Field struct {
	Title string `json:"title,omitzero"`
	Value string `json:"value,omitzero"`
	Short bool   `json:"short,omitzero"`
}

// A Block is a block of a message, or an element of a context block.
type Block struct {
	Type     string  `json:"type"`
	BlockID  string  `json:"block_id,omitzero"`
	Text     *Text   `json:"text,omitzero"`
	Fields   []Text  `json:"fields,omitzero"`
	Elements []Text  `json:"elements,omitzero"` // of a context block: texts only
	ImageURL *string `json:"image_url,omitzero"`
	AltText  *string `json:"alt_text,omitzero"`
	Title    *Text   `json:"title,omitzero"`
}

// A Text is a text within a block.
type Text struct {
	Type     string `json:"type"` // plain_text or mrkdwn
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji,omitzero"`    // of plain_text
	Verbatim *bool  `json:"verbatim,omitzero"` // of mrkdwn
}
