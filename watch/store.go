package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// A Store keeps what was told. A Watcher calls one method at a time.
type Store interface {
	// Load returns what was saved last, and the zero State if nothing was. If it returns an error that is
	// [ErrCorrupt], the Watcher reports the error and goes on with the State that came with it; any other error ends the
	// poll.
	Load(ctx context.Context) (State, error)
	// Save replaces what was saved. The Watcher changes the State after Save has returned.
	Save(ctx context.Context, s State) error
}

// ErrCorrupt means that a saved state could not be read and was put aside.
var ErrCorrupt = errors.New("the saved state cannot be read")

// A State is what was told until now. The zero State is that of a first start.
type State struct {
	Polled time.Time       `json:"polled"` // the start of the last poll that succeeded
	Alerts map[string]Told `json:"alerts"` // by the ids of alerts
}

// Told is what was told about an alert.
type Told struct {
	Status mackerel.Status `json:"status"`           // the last status
	At     time.Time       `json:"at"`               // when the alert got it, if that is known
	Opened time.Time       `json:"opened"`           // when the alert opened
	Closed bool            `json:"closed,omitempty"` // its closing was told
}

// version is that of the form of a file. A file of another version is put aside.
const version = 1

type file struct {
	Version int `json:"version"`
	State
}

// A FileStore keeps the state in a file.
type FileStore struct{ path string }

// File returns a store in a file. The file is replaced atomically and synced: a process or a machine that stops leaves
// either the old state or the new state. A file that cannot be read is renamed to the same name with ".corrupt" at its
// end, and the watcher begins as at a first start. The folder must exist, or [New] refuses the store.
func File(path string) *FileStore { return &FileStore{path} }

// problem says why the file can never be written, "" if it may be.
func (f *FileStore) problem() string {
	if f == nil || f.path == "" {
		return "path required"
	}
	if _, err := os.Stat(filepath.Dir(f.path)); err != nil {
		return err.Error()
	}
	return ""
}

// Load reads the file.
func (f *FileStore) Load(context.Context) (State, error) {
	content, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, err
	}
	var saved file
	if err := json.Unmarshal(content, &saved); err == nil && saved.Version == version {
		return saved.State, nil
	}
	aside := f.path + ".corrupt"
	if err := os.Rename(f.path, aside); err != nil {
		return State{}, err
	}
	return State{}, fmt.Errorf("%w: %s was renamed to %s", ErrCorrupt, f.path, aside)
}

// Save replaces the file.
func (f *FileStore) Save(_ context.Context, s State) error {
	content, err := json.Marshal(file{version, s})
	if err != nil {
		return err
	}
	temporary, err := os.OpenFile(f.path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = temporary.Write(content)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), f.path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(f.path))
}

// syncFolder makes the new name of a file last. Systems that cannot sync a folder are left alone.
func syncFolder(path string) error {
	folder, err := os.Open(path) //nolint:gosec // the caller's own choice
	if err != nil {
		return err
	}
	_ = folder.Sync() // not every file system can
	return folder.Close()
}
