package chatwork

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// maxList is how many messages one reading of a room has at the most.
// See https://developer.chatwork.com/reference/get-rooms-room_id-messages.
const maxList = 100

// FollowInterval is the time between two readings of a room that is followed, unless FollowOptions say otherwise. It
// takes 60 of the 300 calls that are allowed in 5 minutes.
const FollowInterval = 5 * time.Second

// ErrMissed means that a room got more messages between two readings than one reading has, or that the message to begin
// after is not among them. It is found, with [errors.Is], in an error of [Client.Follow].
var ErrMissed = errors.New("messages may have been missed")

// FollowOptions says where to begin, and how often to look. The zero value is ready to use.
type FollowOptions struct {
	// After is the id of the message to begin after: one that was posted just now, to get the answers to it, or the last
	// one that was seen before a restart. Without it, what is in the room already is not new.
	After string
	// Interval is the time between two readings; FollowInterval unless set, and a second at the least.
	Interval time.Duration
}

// Follow reads a room again and again, and gives each new message once, the oldest first, the account's own included:
//
//	for m, err := range client.Follow(ctx, roomID, chatwork.FollowOptions{}) {
//		if _, again := mackerel.Retry(err); again || errors.Is(err, chatwork.ErrMissed) {
//			continue // it goes on by itself
//		} else if err != nil {
//			return err
//		}
//		...
//	}
//
// It reads with force=1, as [Client.LatestMessages] does: that consumes nothing, and other programs with the same token
// get all their messages. A lost answer therefore means nothing: the next reading has the same messages and those that
// came since. The newest 100 are all there is to read; if there was more, the next pair is an error that is [ErrMissed],
// and after it come the 100. An edited message is not new.
//
// Every failed reading is given as an error with an empty message. After those that [mackerel.Retry] calls temporary it
// goes on, no sooner than the error says. All others are the last pair, and so is the end of the context. The first
// reading takes place when the loop begins, and a second loop over the same sequence begins anew. Where a [Pace] is set,
// readings wait for their turn like other calls.
func (c *Client) Follow(ctx context.Context, roomID int64, o FollowOptions) iter.Seq2[RoomMessage, error] {
	interval := FollowInterval
	if o.Interval > 0 {
		interval = max(o.Interval, time.Second)
	}
	return func(yield func(RoomMessage, error) bool) {
		f := follower{begun: o.After != "", named: o.After != "", seen: []string{o.After}}
		for {
			list, err := c.ListMessages(ctx, roomID, ListMessagesParams{Force: true})
			after, again := mackerel.Retry(err)
			switch {
			case err != nil && (!yield(RoomMessage{}, err) || !again || ctx.Err() != nil):
				return
			case err == nil && !f.give(list.Messages, yield):
				return
			}
			rest(ctx, max(interval, after))
		}
	}
}

// rest waits, or until the context ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// A follower knows how far a room was read.
type follower struct {
	begun bool     // there is a place to go on from
	named bool     // the caller has named it, and it was not looked for yet
	seen  []string // the ids of the last reading that had any
}

// give gives what is new in a reading, and reports whether more is wanted.
func (f *follower) give(list []RoomMessage, yield func(RoomMessage, error) bool) bool {
	fresh, missed := f.news(list)
	if missed && !yield(RoomMessage{}, errMissed()) {
		return false
	}
	for _, m := range fresh {
		if !yield(m, nil) {
			return false
		}
	}
	return true
}

// news returns what is new in a reading, and whether something may be missing before it. The new messages are those
// behind the last one that is known, not those that are unknown: when a message is gone, an older one comes into the
// list in its place.
func (f *follower) news(list []RoomMessage) (fresh []RoomMessage, missed bool) {
	known := len(list) - 1
	for known >= 0 && !slices.Contains(f.seen, list[known].MessageID) {
		known--
	}
	fresh = list[known+1:]
	missed = known < 0 && (f.named || len(list) >= maxList)
	if !f.begun {
		fresh, missed = nil, false
	}
	f.begun, f.named = true, false
	if len(list) > 0 {
		f.seen = f.seen[:0]
		for _, m := range list {
			f.seen = append(f.seen, m.MessageID)
		}
	}
	return fresh, missed
}

func errMissed() error {
	return &mackerel.Error{Provider: name, Op: "follow room", Kind: mackerel.ErrNotFound, Err: ErrMissed}
}
