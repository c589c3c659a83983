package chatwork

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// documented is a single thing that an operation answers with. It reports whether the answer is what the reference
// says: most things have an id.
type documented interface{ documented() bool }

// ids is the answer of operations that return ids.
type ids struct {
	RoomID    int64     `json:"room_id"`
	MessageID messageID `json:"message_id"`
	TaskID    int64     `json:"task_id"`
	TaskIDs   []int64   `json:"task_ids"`
	FileID    int64     `json:"file_id"`
}

// A messageID is the id of a message that was written. The reference has a string; if Chatwork ever sent a number, the
// message would be written all the same, and taking the answer for a failure would write it again.
type messageID string

// UnmarshalJSON decodes a string, or the digits of a number.
func (id *messageID) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		return json.Unmarshal(b, (*string)(id))
	}
	_, err := strconv.ParseUint(string(b), 10, 64)
	*id = messageID(b)
	return err
}

func (a ids) documented() bool {
	return a.RoomID != 0 || a.MessageID != "" || a.TaskID != 0 || len(a.TaskIDs) > 0 || a.FileID != 0
}

// decode returns a Judge that decodes a success. A success without content leaves an empty T, such as an empty list. A
// single thing must be there: a caller must never take an answer without it for a thing that is empty.
func decode[T any](answer *T) func(*transport.Result) {
	read := provider.JSON(answer)
	return func(r *transport.Result) {
		thing, single := any(answer).(documented)
		if r.Status == http.StatusNoContent && !single {
			return // it is empty, also after an earlier attempt
		}
		if read(r); r.Class == transport.Done && single && !thing.documented() {
			provider.Undocumented(r)
		}
	}
}

// judgePosted accepts the answer to a message only with the message's id.
func judgePosted(r *transport.Result) {
	var answer struct {
		MessageID messageID `json:"message_id"`
	}
	switch {
	case r.Class != transport.Done:
	case !provider.DecodeJSON(r.Body, &answer), answer.MessageID == "":
		provider.Undocumented(r)
	default:
		r.ID = string(answer.MessageID)
	}
}

// decodeError reads {"errors":["...", ...]}.
func decodeError(_ int, body []byte) (code, message string) {
	var e struct {
		Errors []string `json:"errors"`
	}
	if !provider.DecodeJSON(body, &e) {
		return "", ""
	}
	return "", strings.Join(e.Errors, " ")
}

// roomLimitText is the text of a refusal for the limit of a room. No header says which limit was exceeded.
// See https://developer.chatwork.com/docs/endpoints.
const roomLimitText = "Rate limit for message posting per room exceeded."

// The operations that Chatwork refuses with 400 if there is nothing to do.
const (
	opMarkRead   = "mark read"
	opMarkUnread = "mark unread"
	opDeleteLink = "delete link"
)

// IsAlreadyDone reports whether a call of [Client.MarkRead], [Client.MarkUnread] or [Client.DeleteLink] was refused
// because there is nothing to do: the messages are read already, or unread, or the room has no link. The error is
// [mackerel.ErrInvalid], as for other answers with status 400. Chatwork documents the status but not the text. So every
// 400 of these calls counts, unless its text speaks of a parameter or of something invalid.
func IsAlreadyDone(err error) bool {
	var e *mackerel.Error
	if !errors.As(err, &e) || e.Provider != name || e.Status != http.StatusBadRequest {
		return false
	}
	text := strings.ToLower(e.Message)
	return slices.Contains([]string{opMarkRead, opMarkUnread, opDeleteLink}, e.Op) &&
		!strings.Contains(text, "parameter") && !strings.Contains(text, "invalid")
}

// rateWait returns how long to wait after a refusal for the limit of a room, 0 after other answers.
func rateWait(r *transport.Result) time.Duration {
	if _, text := decodeError(r.Status, r.Body); r.Class == transport.RateLimited && text == roomLimitText {
		return roomLimit.Gate
	}
	return 0
}
