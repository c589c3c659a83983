package chatwork

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// maxList is the most messages that one reading of a room returns.
// See https://developer.chatwork.com/reference/get-rooms-room_id-messages.
const maxList = 100

// FollowInterval is the default time between two readings of [Client.Follow]. It takes 60 of the 300 calls that are
// allowed in 5 minutes.
const FollowInterval = 5 * time.Second

// ErrMissed means that a room got more messages between two readings than one reading returns, or that the message of
// FollowOptions.After is not among them. Errors of [Client.Follow] have it as their cause.
var ErrMissed = errors.New("messages may have been missed")

// FollowOptions says where to begin and how often to read. The zero value is ready to use.
type FollowOptions struct {
	// After is the id of the message to begin after, such as a message that was posted just now, or the last message
	// that was seen before a restart. Without it, messages that are in the room already are not new.
	After string
	// Interval is the time between two readings: FollowInterval unless set, and at least a second.
	Interval time.Duration
}

// Follow reads a room again and again and returns each new message once, oldest first, also the messages of the account
// itself:
//
//	for m, err := range client.Follow(ctx, roomID, chatwork.FollowOptions{}) {
//		if _, again := mackerel.Retry(err); again || errors.Is(err, chatwork.ErrMissed) {
//			continue // Follow goes on
//		} else if err != nil {
//			return err
//		}
//		...
//	}
//
// Follow reads with force=1, as [Client.LatestMessages] does. It takes no messages from other programs with the same
// token, and after a lost answer the next reading returns the messages. A reading returns the newest 100 messages. If
// there were more, the next pair is an error that is [ErrMissed], and the 100 messages follow. An edited message is
// not new. Messages that the plan hides are left out.
//
// Each failed reading is a pair with an error and an empty message. If [mackerel.Retry] says that the error is
// temporary, Follow goes on after the time that the error says. Any other error is the last pair, and so is the end
// of the context. The first reading is made when the loop begins. A second loop over the same sequence begins again.
// With a [mackerel.Pace], readings wait for their turn.
func (c *Client) Follow(ctx context.Context, roomID int64, o FollowOptions) iter.Seq2[RoomMessage, error] {
	interval := FollowInterval
	if o.Interval > 0 {
		interval = max(o.Interval, time.Second)
	}
	return func(yield func(RoomMessage, error) bool) {
		f := follower{begun: o.After != "", named: o.After != "", seen: []string{o.After}}
		for {
			list, err := c.LatestMessages(ctx, roomID)
			if list.Limited {
				err = nil
			}
			after, again := mackerel.Retry(err)
			switch {
			case err != nil && (!yield(RoomMessage{}, err) || !again || ctx.Err() != nil):
				return
			case err == nil && !f.give(list.Messages, yield):
				return
			}
			sleep(ctx, max(interval, after))
		}
	}
}

// sleep waits until the time is over or the context ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// A follower remembers how far a room was read.
type follower struct {
	begun bool     // seen is set
	named bool     // seen is the caller's After, which no reading has looked for yet
	seen  []string // the ids of the last reading that had messages
}

// give yields the new messages of a reading. It reports whether the loop goes on.
func (f *follower) give(list []RoomMessage, yield func(RoomMessage, error) bool) bool {
	fresh, missed := f.news(list)
	if missed {
		err := &mackerel.Error{Provider: name, Op: "follow room", Kind: mackerel.ErrNotFound, Err: ErrMissed}
		if !yield(RoomMessage{}, err) {
			return false
		}
	}
	for _, m := range fresh {
		if !yield(m, nil) {
			return false
		}
	}
	return true
}

// news returns the new messages of a reading, and whether messages may be missing before them. New are the messages
// behind the last known message. An unknown message before it is not new: it came into the list because a newer message
// is gone.
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
