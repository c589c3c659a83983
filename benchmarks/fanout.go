package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/mackerel-notify/mackerel"
)

// fanouts are to how many notifiers of one host an alert is delivered.
var fanouts = []int{1, 13, 130, 1300}

// fanout compares DeliverAll with as many goroutines that each make one raw post. Each notifier has its own room.
func fanout(m *meter, s *server) (rows []Row, err error) {
	request, err := record(ours[0])
	if err != nil {
		return nil, err
	}
	for _, n := range fanouts {
		notifiers, posts := make([]mackerel.Notifier, n), make([]send, n)
		for i := range n {
			if notifiers[i], err = newChatwork(s.Plain, i+1, fast); err != nil {
				return nil, err
			}
			request.path = fmt.Sprintf("/chatwork/v2/rooms/%d/messages", i+1)
			posts[i] = raw(s.Plain, request)
		}
		some, err := m.run([]contest{{
			Part: "fan-out", Case: "DeliverAll", Subject: strconv.Itoa(n), workers: 1, each: n,
			subject: deliverAll(notifiers), base: all(posts),
		}})
		if err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	return rows, nil
}

func deliverAll(notifiers []mackerel.Notifier) send {
	a := alert()
	return func(ctx context.Context) error {
		return mackerel.DeliverAll(ctx, a, notifiers...).Err()
	}
}

// all makes all posts at once.
func all(posts []send) send {
	return func(ctx context.Context) error {
		errs := make([]error, len(posts))
		var wg sync.WaitGroup
		for i, post := range posts {
			wg.Go(func() { errs[i] = post(ctx) })
		}
		wg.Wait()
		return errors.Join(errs...)
	}
}
