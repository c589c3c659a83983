package mackerel

import (
	"context"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

var (
	listChannels  = operation{"list channels", http.MethodGet, transport.Replay}
	createChannel = operation{"create channel", http.MethodPost, transport.Once}
	updateChannel = operation{"update channel", http.MethodPut, transport.Replay}
	deleteChannel = operation{"delete channel", http.MethodDelete, transport.Replay}
)

// channelList is the answer to ListChannels. Without its member it is not the list of an organization without channels.
type channelList struct {
	Channels *[]Channel `json:"channels"`
}

func (l channelList) complete() bool { return l.Channels != nil }

func (c Channel) complete() bool { return c.ID != "" }

// ListChannels returns all channels of the organization, including those of types this package does not know:
// GET /api/v0/channels (https://mackerel.io/api-docs/entry/channels#get). The list is not paged.
func (c *Client) ListChannels(ctx context.Context) ([]Channel, error) {
	list, err := call[channelList](ctx, c, listChannels, nil, "channels")
	if err != nil {
		return nil, err
	}
	return *list.Channels, nil
}

// GetChannel returns one channel, or [ErrNotFound]. The API has no call for it: this lists them all and looks.
func (c *Client) GetChannel(ctx context.Context, id string) (Channel, error) {
	list, attempts, err := do[channelList](ctx, c, listChannels, nil, "channels")
	if err != nil {
		return Channel{}, err
	}
	for _, ch := range *list.Channels {
		if ch.ID == id {
			return ch, nil
		}
	}
	return Channel{}, &Error{
		Provider: provider, Op: "get channel", Attempts: attempts, Delivery: AtLeastOnce, Kind: ErrNotFound,
		Message: "no channel has this ID",
	}
}

// CreateChannelOptions are what is said once, when a channel is created, and never comes back.
type CreateChannelOptions struct {
	// AddToDefaultNotificationGroup says whether the channel joins the default notification group, which means that it
	// receives every alert from now on. If it is nil the API decides, and its documented default is true.
	AddToDefaultNotificationGroup *bool
}

// CreateChannel creates a channel and returns it with its ID: POST /api/v0/channels
// (https://mackerel.io/api-docs/entry/channels#create). Mackerel creates email, slack and webhook channels; the other
// known types are [ErrUnsupported], without a request. Only what can never be right is refused locally, all of it at
// once, as [ErrInvalid]. It is not repeated after a lost answer, because that could make two channels: the error is
// then [ErrAmbiguous].
func (c *Client) CreateChannel(ctx context.Context, ch Channel, o CreateChannelOptions) (Channel, error) {
	body, err := channelBody(createChannel, ch, o.AddToDefaultNotificationGroup)
	if err != nil {
		return Channel{}, err
	}
	return call[Channel](ctx, c, createChannel, body, "channels")
}

// UpdateChannel replaces a channel, which its ID names, and returns what it is now: PUT /api/v0/channels/<channelId>
// (https://mackerel.io/api-docs/entry/channels#update). It replaces all of it, so start from a channel that was listed.
// The type cannot be changed. What is refused locally is as with [Client.CreateChannel]. It may be repeated.
func (c *Client) UpdateChannel(ctx context.Context, ch Channel) (Channel, error) {
	body, err := channelBody(updateChannel, ch, nil)
	if err != nil {
		return Channel{}, err
	}
	return call[Channel](ctx, c, updateChannel, body, "channels", ch.ID)
}

// DeleteChannel deletes a channel of any type and returns what it was: DELETE /api/v0/channels/<channelId>
// (https://mackerel.io/api-docs/entry/channels#delete). It is repeated after a lost answer; [ErrNotFound] with
// [Error].Attempts above 1 may mean that the first attempt did it.
func (c *Client) DeleteChannel(ctx context.Context, id string) (Channel, error) {
	return call[Channel](ctx, c, deleteChannel, nil, "channels", id)
}

// channelBody is what is sent for a channel, unless it can be seen to be wrong today and in every future.
func channelBody(op operation, ch Channel, addToDefault *bool) ([]byte, error) {
	problems := checkChannel(ch)
	if op == updateChannel && ch.ID == "" {
		problems = append(problems, "ID: required")
	}
	if len(problems) > 0 {
		return nil, &Error{Provider: provider, Op: op.name, Kind: ErrInvalid, Message: strings.Join(problems, "; ")}
	}
	if !creatable(ch.Detail) {
		return nil, &Error{
			Provider: provider, Op: op.name, Kind: ErrUnsupported,
			Message: "channels of type " + string(ch.Detail.ChannelType()) + " can only be made in Mackerel's web pages",
		}
	}
	return writeBody(ch, addToDefault)
}
