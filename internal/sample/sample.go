// Package sample holds the alerts that the golden requests of every provider show: the same ones everywhere, so that
// two providers can be laid side by side.
package sample

import (
	_ "embed"
	"encoding/json"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// JSON holds the webhooks of all samples that come from Mackerel, by their names. The preview shows the same.
//
//go:embed alerts.json
var JSON []byte

// An Entry is one alert with a name fit for a file.
type Entry struct {
	Name  string
	Alert mackerel.Alert
}

// Zone is where the samples are read: nine hours ahead of UTC, as Japan is, without needing a time zone database.
var Zone = time.FixedZone("JST", 9*60*60)

// Alerts returns the samples, made anew for each call: the webhooks, the least that a person writes by hand, and a
// digest. The digest has alerts of each status and events, and few enough for its message to show all of them.
func Alerts() []Entry {
	var webhooks []struct {
		Name   string          `json:"name"`
		Digest bool            `json:"digest"` // it is in the digest
		Body   json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal(JSON, &webhooks); err != nil {
		panic(err) // the file is a part of the program
	}
	var all []Entry
	var alerts []mackerel.Alert
	add := func(name string, a mackerel.Alert, inDigest bool) {
		all = append(all, Entry{name, a})
		if inDigest {
			alerts = append(alerts, a)
		}
	}
	for _, w := range webhooks {
		a, err := mackerel.ParseWebhook(w.Body)
		if err != nil {
			panic(err)
		}
		add(w.Name, a, w.Digest)
	}
	add("minimal", mackerel.Alert{Status: mackerel.StatusCritical, Message: "backup failed"}, true)
	return append(all, Entry{"digest", mackerel.Digest(alerts)})
}
