package main

import (
	"context"
	"slices"
	"sync"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/hipchat"
)

// threads is a notifier that makes a thread of each alert: the first notification of an alert has a card, and the later
// notifications are attached to it. It remembers one id per open alert. After a restart, the next notification opens
// another thread.
type threads struct {
	client *hipchat.Client
	room   string
	send   *hipchat.Notifier

	mu   sync.Mutex
	open map[string]string // the id of the message with the card, by the alert's key
}

var _ mackerel.Notifier = (*threads)(nil)

func newThreads(client *hipchat.Client, room string) (*threads, error) {
	send, err := hipchat.New(hipchat.Config{Client: client, Room: room})
	return &threads{client: client, room: room, send: send, open: make(map[string]string)}, err
}

// Notify sends an alert, to its thread if it has one.
func (t *threads) Notify(ctx context.Context, a mackerel.Alert) error {
	t.mu.Lock() // one at a time: two notifications of one alert would open two threads
	defer t.mu.Unlock()
	m := hipchat.DefaultMessage(a, text)
	if m.AttachTo = t.open[a.Key()]; m.AttachTo == "" {
		m.Card = hipchat.DefaultCard(a, text)
	}
	if _, err := t.send.Send(ctx, m); err != nil {
		return err
	}
	switch {
	case a.Closed():
		delete(t.open, a.Key())
	case m.Card != nil:
		if id := t.find(ctx, m.Card.ID); id != "" {
			t.open[a.Key()] = id
		}
	}
	return nil
}

// find returns the id of the newest message with a card, because HipChat answers a notification without an id. If it
// cannot be found, find returns "": the alert has no thread then, but it is in the room.
func (t *threads) find(ctx context.Context, cardID string) string {
	page, err := t.client.LatestHistory(ctx, t.room, hipchat.LatestHistoryParams{MaxResults: 20})
	if err != nil {
		return ""
	}
	for _, m := range slices.Backward(page.Items) {
		if card, err := m.DecodeCard(); err == nil && card != nil && card.ID == cardID {
			return m.ID
		}
	}
	return ""
}
