package embedded

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"

	"github.com/mackerel-notify/mackerel"
)

// The files of a directory, beside "jetstream", which is the server's.
const (
	lockFile   = "lock"
	markerFile = "store.json"
	damagedDir = "damaged"
)

// A marker says what the directory had when it was written. Without it, a store that was lost could not be told from a
// store that was never made.
type marker struct {
	// Name is the name of the store.
	Name string `json:"name"`
	// Made is false until all streams were made for the first time. No alert was accepted until then.
	Made bool `json:"made"`
	// Stopped is true if the server was stopped in an orderly way. Messages is exact then.
	Stopped bool `json:"stopped"`
	// Streams has what the streams had, by their names.
	Streams map[string]contents `json:"streams,omitzero"`
}

type contents struct {
	Messages int    `json:"messages"`
	Last     uint64 `json:"last"`
}

// lock makes the directory and locks it. The lock ends with the process, also if it is killed.
func lock(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unusable(dir, err)
	}
	l := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	locked, err := l.TryLock()
	switch {
	case err != nil:
		return nil, unusable(dir, err)
	case !locked:
		return nil, failed(mackerel.ErrUnavailable, ErrInUse, "%s: another process has it", dir)
	}
	return l, nil
}

// unusable returns the error of a directory where files cannot be read or written.
func unusable(dir string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EEXIST):
		return failed(mackerel.ErrConfig, err, "Dir: %s is not a directory", dir)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return failed(mackerel.ErrConfig, err, "Dir: this process must be able to read and write in %s", dir)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return failed(mackerel.ErrUnavailable, err, "%s: the disk is full%s", dir, freeText(dir))
	}
	return failed(mackerel.ErrUnavailable, err, "Dir: %s cannot be used", dir)
}

// readMarker returns nil if there is no marker.
func readMarker(dir string) (*marker, error) {
	data, err := os.ReadFile(filepath.Join(dir, markerFile)) //nolint:gosec // the directory is ours
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil //nolint:nilnil // there is no marker and no error
	case err != nil:
		return nil, unusable(dir, err)
	}
	m := new(marker)
	if err := json.Unmarshal(data, m); err != nil || m.Name == "" {
		return nil, failed(mackerel.ErrConfig, ErrDamaged, "%s: %s cannot be read; without that file the store is taken"+
			" as it is", dir, markerFile)
	}
	return m, nil
}

// write puts the marker on the disk. After a power cut there is the old marker or the new marker.
func (m *marker) write(dir string) error {
	data, err := json.Marshal(m)
	if err == nil {
		err = replaceFile(filepath.Join(dir, markerFile), data)
	}
	if err != nil {
		return unusable(dir, err)
	}
	return nil
}

// replaceFile writes a file, so that it has the old or the new content after a power cut.
func replaceFile(name string, data []byte) error {
	f, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the directory is ours
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// syncDir makes the names in a directory outlast a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the directory is ours
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, fs.ErrPermission) {
		err = nil // not every system can do this
	}
	return errors.Join(err, d.Close())
}
