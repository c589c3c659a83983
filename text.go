package mackerel

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

// A Language is the language of the labels and times that this module writes. What an alert says is not translated.
type Language string

// The languages of messages. The empty Language is English.
const (
	English  Language = "en"
	Japanese Language = "ja"
)

// Text is the language and the time zone of messages. The zero value is English and the time zone of the process. In
// JSON it is {"language":"ja","time_zone":"Asia/Tokyo"}.
type Text struct {
	Language Language
	Location *time.Location // nil is time.Local; times are shown with their offset from UTC
}

type textJSON struct {
	Language Language `json:"language,omitzero"`
	TimeZone string   `json:"time_zone,omitzero"`
}

// MarshalJSON writes Location as its name.
func (t Text) MarshalJSON() ([]byte, error) {
	w := textJSON{Language: t.Language}
	if t.Location != nil {
		w.TimeZone = t.Location.String()
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads a time zone by its IANA name from the system's database, or from package time/tzdata if the
// program imports that. An unknown name is an error.
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

// A Level selects the alerts that a notifier sends, like the notification level of Mackerel's notification groups. It
// applies to alerts and alert groups. Host and monitor events are always sent.
type Level string

const (
	// LevelAll sends all alerts. The empty Level is the same.
	LevelAll Level = "all"
	// LevelCritical sends the statuses critical, unknown and ok, but not warning. Unlike Mackerel, it sends the ok of
	// an alert that was never critical, because a notifier does not remember.
	LevelCritical Level = "critical"
)
