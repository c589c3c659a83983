package mackerel

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

// A Language is the language of a message's labels and times: what the library itself writes, never what an alert says.
type Language string

// The languages of messages. The empty Language is English.
const (
	English  Language = "en"
	Japanese Language = "ja"
)

// Text says how a message is worded. The zero value is English, in the process's own time zone. In JSON it is
// {"language":"ja","time_zone":"Asia/Tokyo"}.
type Text struct {
	Language Language
	Location *time.Location // nil is time.Local; times are always shown with their offset
}

type textJSON struct {
	Language Language `json:"language,omitzero"`
	TimeZone string   `json:"time_zone,omitzero"`
}

// MarshalJSON writes the location by its name.
func (t Text) MarshalJSON() ([]byte, error) {
	w := textJSON{Language: t.Language}
	if t.Location != nil {
		w.TimeZone = t.Location.String()
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads a time zone by its IANA name, from the system's database or the one in time/tzdata. An unknown
// name is an error.
func (t *Text) UnmarshalJSON(b []byte) error {
	var w textJSON
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*t = Text{Language: w.Language}
	if w.TimeZone == "" {
		return nil
	}
	loc, err := time.LoadLocation(w.TimeZone)
	if err != nil {
		return fmt.Errorf("time_zone: %w", err)
	}
	t.Location = loc
	return nil
}

// A Level says which alerts a notifier sends, as Mackerel's notification level does. It applies to alerts and alert
// groups; host and monitor events are not rated.
type Level string

const (
	// LevelAll sends everything; the empty Level is the same.
	LevelAll Level = "all"
	// LevelCritical leaves out warnings. Critical, unknown and ok are sent: a notifier has no memory, so it cannot leave
	// out, as Mackerel does, the ok of an alert that never was critical.
	LevelCritical Level = "critical"
)
