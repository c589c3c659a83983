package watch_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/mackerel-notify/mackerel/watch"
)

// FuzzFile reads any content as a saved state. Either it is a state, which stays the same when it is saved and read
// again, or it is put aside unchanged.
func FuzzFile(f *testing.F) {
	for _, s := range []string{
		`{"version":1,"polled":"2026-01-02T03:04:05.6Z","alerts":{"5A":{"status":"CRITICAL","at":"2026-01-02T03:04:05+09:00","closed":true}}}`,
		`{"version":1}`, `{"version":2}`, `{"version":1,"alerts":null}`, `{"version":1,"alerts":{"":{}}}`, "", "null", "{", "\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		store := watch.File(path)
		state, err := store.Load(t.Context())
		if err != nil {
			aside, readErr := os.ReadFile(path + ".corrupt")
			if !errors.Is(err, watch.ErrCorrupt) || string(aside) != string(content) || state.Alerts != nil {
				t.Errorf("%v, %v; put aside: %q", err, readErr, aside)
			}
			return
		}
		if err := store.Save(t.Context(), state); err != nil {
			t.Fatal(err)
		}
		again, err := store.Load(t.Context())
		before, err1 := json.Marshal(state)
		after, err2 := json.Marshal(again)
		if errors.Join(err, err1, err2) != nil || string(before) != string(after) {
			t.Errorf("%s became %s: %v", before, after, errors.Join(err, err1, err2))
		}
	})
}
