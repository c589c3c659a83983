// Package chatwork carries alerts to rooms of Chatwork (https://go.chatwork.com) and calls its API, version 2
// (https://developer.chatwork.com/reference).
//
// A [Notifier] posts one message per alert: the mentions that the [Config] has for the status, and a box with the
// title, the text, the facts, the memo and a link.
//
//	n, err := chatwork.New(chatwork.Config{
//		Token:  mackerel.NewSecret(os.Getenv("CHATWORK_TOKEN")),
//		RoomID: 206123456, // the digits after #!rid in the room's address
//	})
//	err = n.Notify(ctx, alert)
//
// A [Client] has all 32 operations of the API: the table under "Operations" says what each does after a lost answer. A
// room can be read in two ways: [Client.LatestMessages] may be repeated, [Client.NewMessages] consumes what it returns.
// Both say whether the account's plan hides messages.
//
// [Client.Follow] returns the new messages of a room one by one. [NewWebhookHandler] receives the messages that
// Chatwork sends to a webhook.
//
// Ids of messages are strings, all other ids are numbers, as in the API. The API has no pages. Lists have at most 100
// items where their comments say so. An empty list is empty and not nil.
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. Chatwork has no key to drop repeats by: if an answer is lost and the message
// is posted again, it may stand in the room twice. With [mackerel.AtMostOnce] it stands there at most once, and the
// error is [mackerel.ErrAmbiguous]. The receipt's ID is the id of the message.
//
// # Limits
//
// Chatwork takes 300 calls per account in 5 minutes, and 10 messages and tasks per room in 10 seconds
// (https://developer.chatwork.com/docs/endpoints). Calls that come faster wait for their turn: see [mackerel.Pace].
// Alerts go before the other calls of an account, and reading leaves 30 of the 300 calls to the others. Call.Pace is
// the limit of a room. A call that is refused all the same is made again after the time that Chatwork asks for, within
// Call.MaxWait and the context's deadline. Beyond that the error is [mackerel.ErrRateLimited] and says how long to
// wait. [IsRoomLimit] tells the two limits apart, and [Client.RateLimit] says how many calls are left.
//
// A message has at most 65,535 characters, counted as bytes. Longer messages are cut: what matters least goes first,
// and the status, the monitor and the host stay. The receipt says what was cut. An address that takes more than half of
// a message is left out. Mentions and Message.Raw are never cut. A file has at most 5 MB.
//
// # Text
//
// Text from alerts cannot mention anybody and cannot leave its box: see [Escape]. Only Message.Raw is in Chatwork's
// notation. A [Builder] writes the notation, and [ParseNotation] reads it.
//
// # Service
//
// A notifier needs an API token. For OAuth 2.0, make a [Client] with a Source and give it to the Config.
//
// # Operations
//
//	GET    /me                                      GetMe                   Replay
//	GET    /my/status                               GetMyStatus             Replay
//	GET    /my/tasks                                ListMyTasks             Replay
//	GET    /contacts                                ListContacts            Replay
//	GET    /incoming_requests                       ListIncomingRequests    Replay
//	PUT    /incoming_requests/{request_id}          ApproveIncomingRequest  Replay
//	DELETE /incoming_requests/{request_id}          DeclineIncomingRequest  Replay
//	GET    /rooms                                   ListRooms               Replay
//	POST   /rooms                                   CreateRoom              Once
//	GET    /rooms/{room_id}                         GetRoom                 Replay
//	PUT    /rooms/{room_id}                         UpdateRoom              Replay
//	DELETE /rooms/{room_id}                         DeleteRoom              Replay
//	GET    /rooms/{room_id}/members                 ListMembers             Replay
//	PUT    /rooms/{room_id}/members                 UpdateMembers           Replay
//	GET    /rooms/{room_id}/messages?force=1        LatestMessages          Replay
//	GET    /rooms/{room_id}/messages?force=0        NewMessages             Once
//	POST   /rooms/{room_id}/messages                PostMessage             Message
//	PUT    /rooms/{room_id}/messages/read           MarkRead                Replay
//	PUT    /rooms/{room_id}/messages/unread         MarkUnread              Replay
//	GET    /rooms/{room_id}/messages/{message_id}   GetMessage              Replay
//	PUT    /rooms/{room_id}/messages/{message_id}   UpdateMessage           Replay
//	DELETE /rooms/{room_id}/messages/{message_id}   DeleteMessage           Replay
//	GET    /rooms/{room_id}/tasks                   ListTasks               Replay
//	POST   /rooms/{room_id}/tasks                   CreateTask              Once
//	GET    /rooms/{room_id}/tasks/{task_id}         GetTask                 Replay
//	PUT    /rooms/{room_id}/tasks/{task_id}/status  UpdateTaskStatus        Replay
//	GET    /rooms/{room_id}/files                   ListFiles               Replay
//	POST   /rooms/{room_id}/files                   UploadFile              Once
//	GET    /rooms/{room_id}/files/{file_id}         GetFile, DownloadFile   Replay
//	GET    /rooms/{room_id}/link                    GetLink                 Replay
//	POST   /rooms/{room_id}/link                    CreateLink              Once
//	PUT    /rooms/{room_id}/link                    UpdateLink              Replay
//	DELETE /rooms/{room_id}/link                    DeleteLink              Replay
//
// The last column says what happens if the answer to a call is lost. A Replay is made again, because doing it twice is
// the same as doing it once. A Once is never made again, and its error is [mackerel.ErrAmbiguous]. For a Message the
// delivery mode decides.
package chatwork

import (
	"context"
	"maps"
	"net/url"
	"slices"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "chatwork"

// Config says with which token to post, and where. RoomID and either Token or Client are required.
type Config struct {
	Token  mackerel.Secret `json:"token"`   // an API token
	RoomID int64           `json:"room_id"` // the digits after #!rid in the room's address
	Client *Client         `json:"-"`       // may be shared by many notifiers; if set, Token, BaseURL and Call stay empty
	// Mentions are put before the box, by the alert's status. A status that is not in the map has no mention.
	Mentions   map[mackerel.Status]Mention `json:"mentions,omitzero"`
	SelfUnread bool                        `json:"self_unread,omitzero"` // see Message.SelfUnread
	BaseURL    string                      `json:"base_url,omitzero"`    // DefaultBaseURL unless set

	Level mackerel.Level                       `json:"level,omitzero"` // which alerts are sent; all unless set
	Text  mackerel.Text                        `json:"text,omitzero"`  // language and time zone of the messages
	Edit  func(*Message, mackerel.Alert) error `json:"-"`              // changes the message of an alert before it is sent
	Call  mackerel.CallOptions                 `json:"-"`              // attempts, waits and the http.Client
}

// A Notifier posts alerts to one room. It is safe for concurrent use.
type Notifier struct{ flow provider.Flow[Message] }

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the service, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	base := c.check(&p)
	if err := p.ConfigError(name); err != nil {
		return nil, err
	}
	client := c.Client
	if client == nil {
		client = newClient(ClientConfig{Token: c.Token, Call: c.Call}, base)
	}
	post, err := client.postRequest(c.RoomID)
	if err != nil {
		return nil, err
	}
	post.Rank = transport.RankFirst
	mentions := provider.ByStatus(c.Mentions)
	for status, m := range mentions {
		mentions[status] = m.clone() // the caller's may change
	}
	return &Notifier{provider.Flow[Message]{
		Service: client.service.As(name + " room " + id(c.RoomID)),
		Skip:    provider.ByLevel(c.Level),
		Message: func(a mackerel.Alert) Message {
			m := DefaultMessage(a, c.Text)
			m.Mention, m.SelfUnread = mentions[provider.Rating(a)].clone(), c.SelfUnread
			return m
		},
		Edit:    c.Edit,
		Request: func() transport.Request { return post },
		Render:  render,
		Unit:    provider.Bytes,
		Text:    c.Text,
		Call:    client.call,
	}}, nil
}

// check notes all problems, and returns the API's address if the notifier is to have a client of its own.
func (c Config) check(p *provider.Problems) (base *url.URL) {
	shared := c.Client != nil
	if !shared {
		p.Token("Token", c.Token)
	}
	p.Require("RoomID", c.RoomID > 0)
	alone := c.Token.IsZero() && c.BaseURL == "" && provider.NoCall(c.Call)
	p.Check("Client", !shared || alone, "set together with Token, BaseURL or Call, which the client has")
	for _, status := range slices.Sorted(maps.Keys(c.Mentions)) {
		c.Mentions[status].check(p, "Mentions["+string(status)+"]")
	}
	if !shared {
		base = p.Base("BaseURL", c.BaseURL, DefaultBaseURL)
	}
	p.Common(c.Level, c.Text, c.Call)
	return base
}

// Notify posts the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.flow.Deliver(ctx, a)
	return err
}

// Deliver posts the alert and returns the outcome. The receipt's ID is the id of the message.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	return n.flow.Deliver(ctx, a)
}

// Send posts a message that the caller has made. Texts that are too long are cut, and the receipt says so. A message
// that is empty, or that Chatwork is certain to refuse, is [mackerel.ErrInvalid] and is not sent.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	return n.flow.Send(ctx, m)
}

// Preview returns what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) { return n.flow.Preview(a) }

// String returns "chatwork room 123".
func (n *Notifier) String() string { return n.flow.Notifier }
