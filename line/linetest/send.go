package linetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// body is what all three calls take.
type body struct {
	Messages               []json.RawMessage `json:"messages"`
	NotificationDisabled   bool              `json:"notificationDisabled,omitzero"`
	CustomAggregationUnits []string          `json:"customAggregationUnits,omitzero"`
}

type pushBody struct {
	To string `json:"to"`
	body
}

type multicastBody struct {
	To []string `json:"to"`
	body
}

type broadcastBody struct {
	Messages             []json.RawMessage `json:"messages"`
	NotificationDisabled bool              `json:"notificationDisabled,omitzero"`
}

func (s *Server) push(r *http.Request) (any, error) {
	var b pushBody
	if err := decode(r, &b); err != nil {
		return nil, err
	}
	return s.accept(r, Delivery{Call: "push", To: []string{b.To}}, b.body)
}

func (s *Server) multicast(r *http.Request) (any, error) {
	var b multicastBody
	if err := decode(r, &b); err != nil {
		return nil, err
	}
	if n := len(b.To); n < 1 || n > 500 {
		return nil, invalid("to", "Size must be between 1 and 500")
	}
	for i, id := range b.To {
		property := "to[" + strconv.Itoa(i) + "]"
		if id == "" || id[0] != 'U' {
			return nil, invalid(property, "must be the id of a user")
		}
		if slices.Contains(b.To[:i], id) {
			return nil, invalid(property, "is given twice")
		}
	}
	return s.accept(r, Delivery{Call: "multicast", To: b.To}, b.body)
}

func (s *Server) broadcast(r *http.Request) (any, error) {
	var b broadcastBody
	if err := decode(r, &b); err != nil {
		return nil, err
	}
	return s.accept(r, Delivery{Call: "broadcast"}, body{Messages: b.Messages, NotificationDisabled: b.NotificationDisabled})
}

// decode reads the body, which decides between 413, 415 and 400.
func decode(r *http.Request, v any) error {
	if r.ContentLength > maxBody {
		return refused(http.StatusRequestEntityTooLarge, "The request body is too large")
	}
	err := fakehttp.DecodeJSON(r, v)
	if errors.Is(err, fakehttp.ErrContentType) {
		message := fmt.Sprintf("The content type, %s, is not supported", r.Header.Get("Content-Type"))
		return refused(http.StatusUnsupportedMediaType, message)
	}
	return err
}

// accept checks the messages and the destinations, and keeps the delivery.
func (s *Server) accept(r *http.Request, d Delivery, b body) (any, error) {
	if n := len(b.Messages); n < 1 || n > 5 {
		return nil, invalid("messages", "Size must be between 1 and 5")
	}
	for i, m := range b.Messages {
		if err := checkMessage("messages["+strconv.Itoa(i)+"]", m); err != nil {
			return nil, err
		}
	}
	count, err := s.count(d.To)
	if err != nil {
		return nil, err
	}
	if s.limit >= 0 && s.used+count > s.limit {
		return nil, refused(http.StatusTooManyRequests, "You have reached your monthly limit.")
	}
	s.used += count
	d.Messages, d.NotificationDisabled, d.Time, d.RequestID = b.Messages, b.NotificationDisabled, s.Now(), s.requestID()
	d.RetryKey = r.Header.Get("X-Line-Retry-Key")
	s.deliveries = append(s.deliveries, d)
	answer := s.sentMessages(d)
	if d.RetryKey != "" {
		s.accepted[d.RetryKey] = accepted{d.RequestID, answer, d.Time}
	}
	return answer, nil
}

// count is how many messages of the month a delivery takes; no destination is everybody. It refuses strangers.
func (s *Server) count(to []string) (int64, error) {
	var n int64
	for _, id := range to {
		members, known := s.members[id]
		if !known {
			return 0, refused(http.StatusBadRequest, "Failed to send messages")
		}
		n += members
	}
	if to != nil {
		return n, nil
	}
	for id := range s.members {
		if id[0] == 'U' {
			n++
		}
	}
	return n, nil
}

// sentMessages is the answer: the ids of a push, an empty object otherwise.
func (s *Server) sentMessages(d Delivery) map[string]any {
	if d.Call != "push" {
		return map[string]any{}
	}
	var sent []map[string]string
	for range d.Messages {
		s.sent++
		id := strconv.FormatInt(460_000_000_000_000_000+int64(s.sent), 10)
		sent = append(sent, map[string]string{"id": id, "quoteToken": "quote-" + id})
	}
	return map[string]any{"sentMessages": sent}
}

func (s *Server) quota(*http.Request) (any, error) {
	if s.limit < 0 {
		return map[string]any{"type": "none"}, nil
	}
	return map[string]any{"type": "limited", "value": s.limit}, nil
}

func (s *Server) consumption(*http.Request) (any, error) {
	return map[string]any{"totalUsage": s.used}, nil
}
