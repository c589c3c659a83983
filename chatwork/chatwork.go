// Package chatwork carries alerts to rooms of Chatwork (https://go.chatwork.com) and calls its API, version 2.
//
// A [Notifier] posts one message per alert: mentions if the [Config] has some for the status, then a box with the
// title, the facts, the memo and a link.
//
//	n, err := chatwork.New(chatwork.Config{
//		Token:  mackerel.NewSecret(os.Getenv("CHATWORK_TOKEN")),
//		RoomID: 206123456, // the digits after #!rid in the room's address
//	})
//	err = n.Notify(ctx, alert)
//
// A [Client] has the operations of the API themselves, all of them:
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
// The last column says what becomes of a call whose answer was lost: a Replay is made again, for doing it twice is as
// doing it once; a Once never is, and its error is [mackerel.ErrAmbiguous]; with a Message the delivery mode decides.
// Reading a room has two names, because it is two things: [Client.LatestMessages] may be repeated, [Client.NewMessages]
// consumes. [Client.ListMessages] is both, and says whether the account's plan hides messages.
//
// Ids are what they are on the wire: those of messages are strings, all others numbers. Nothing can be paged: lists have
// at most 100 items where their comments say so. An empty list is empty and not nil.
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. Chatwork has no key to deduplicate by: if an answer is lost and the message is
// posted again, it may stand in the room twice. With [mackerel.AtMostOnce] it stands there at most once and the error
// is [mackerel.ErrAmbiguous].
//
// # Limits
//
// 300 calls in 5 minutes per account, and 10 messages and tasks in 10 seconds per room. A call that is refused waits
// for as long as the service says, within Call.MaxWait and the context's deadline, and is made again; beyond that the
// error is [mackerel.ErrRateLimited] and says how long to wait. [IsRoomLimit] tells the two apart, [Client.RateLimit]
// says how many calls are left, and with a [Pace] calls wait for their turn before they are refused. A message has at
// most [MaxBody] bytes; what is longer is cut, the memo first, and the receipt says so. A file has at most [MaxFile].
//
// # Text
//
// Text from alerts cannot mention anybody or break out of its box: see [Escape]. A [Builder] makes Chatwork's notation,
// and [ParseNotation] reads it.
//
// # Tokens
//
// An API token is all that a notifier needs. For OAuth 2.0 a client has a Source: see [ClientConfig].
//
// # What others write
//
// [Client.Follow] gives the new messages of a room one by one, and [NewWebhookHandler] takes those that Chatwork sends.
package chatwork

import (
	"context"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// Config says where and as whom to post. RoomID and either Token or Client are required.
type Config struct {
	Token  mackerel.Secret `json:"token"`
	RoomID int64           `json:"room_id"`
	Client *Client         `json:"-"` // shared by the rooms of one token; then Token, BaseURL and Call stay empty
	// Mentions are whom to call, by the alert's status; a status that is not in it calls nobody. A Message function that
	// sets a mention itself has its way.
	Mentions map[mackerel.Status]Mention `json:"mentions,omitzero"`
	// SelfUnread leaves the message unread for the account that posts it too, for a token of a person who must see it.
	SelfUnread bool `json:"self_unread,omitzero"`

	BaseURL string                                `json:"base_url,omitzero"` // DefaultBaseURL unless set
	Level   mackerel.Level                        `json:"level,omitzero"`
	Text    mackerel.Text                         `json:"text,omitzero"`
	Message func(mackerel.Alert) (Message, error) `json:"-"` // DefaultMessage unless set
	Call    mackerel.CallOptions                  `json:"-"`
}

// A Notifier posts alerts to one room. It is safe for concurrent use.
type Notifier struct {
	client   *Client
	roomID   int64
	post     func() transport.Request // all but the form
	mentions map[mackerel.Status]Mention
	unread   bool
	level    mackerel.Level
	message  func(mackerel.Alert) (Message, error)
}

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the API, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	client := c.client(&p)
	if c.RoomID <= 0 {
		p.Add("RoomID", "required: the digits after rid in the room's address")
	}
	checkMentions(&p, c.Mentions)
	p.Common(c.Level, c.Text)
	if err := p.Err(name); err != nil {
		return nil, err
	}
	post, err := client.postRequest(c.RoomID)
	if err != nil {
		return nil, err
	}
	n := &Notifier{
		client: client, roomID: c.RoomID, post: func() transport.Request { return post }, mentions: copyMentions(c.Mentions), unread: c.SelfUnread, level: c.Level,
		message: c.Message,
	}
	if n.message == nil {
		n.message = func(a mackerel.Alert) (Message, error) { return DefaultMessage(a, c.Text), nil }
	}
	return n, nil
}

// client is the shared one, or one of the notifier's own.
func (c Config) client(p *provider.Problems) *Client {
	if c.Client == nil {
		return ClientConfig{Token: c.Token, BaseURL: c.BaseURL, Call: c.Call}.client(p)
	}
	if !c.Token.IsZero() || c.BaseURL != "" || !provider.NoCall(c.Call) {
		p.Add("Client", "set together with Token, BaseURL or Call, which are the client's own")
	}
	return c.Client
}

// Notify posts the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.Deliver(ctx, a)
	return err
}

// Deliver posts the alert and says what came of it. The receipt's ID is the message's id.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return n.client.service.Skipped(skipped), err
	}
	return n.Send(ctx, m)
}

// Send posts a message that the caller has made. That it is cut to [MaxBody] is no error; that it is empty is one.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	start := time.Now()
	params, cuts := n.params(m)
	r, err := n.client.post(ctx, n.post(), params)
	return n.client.service.Receipt(start, r, postedID(r.Body), cuts), err
}

// Preview shows what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return &mackerel.Preview{Skipped: skipped}, err
	}
	params, cuts := n.params(m)
	r := n.post()
	r.Body = params.form()
	return n.client.service.Preview(cuts, r), nil
}

// String returns "chatwork room 123".
func (n *Notifier) String() string { return name + " room " + id(n.roomID) }

// compose makes the message for an alert, or says why there is none.
func (n *Notifier) compose(a mackerel.Alert) (m Message, skipped string, err error) {
	if skipped = provider.Skip(n.level, a); skipped != "" {
		return Message{}, skipped, nil
	}
	if m, err = n.message(a); err != nil {
		return Message{}, "", n.client.service.MessageError(err)
	}
	if m.Mention.none() {
		m.Mention = n.mentions[provider.Rating(a)]
	}
	return m, "", nil
}

func (n *Notifier) params(m Message) (PostMessageParams, []mackerel.Cut) {
	body, cuts := m.body()
	return PostMessageParams{Body: body, SelfUnread: n.unread}, cuts
}
