package embedded

import (
	"github.com/mackerel-notify/mackerel"
)

const (
	// minFree is what a server needs to start and to remove what was delivered.
	minFree = 16 << 20
	// smallest is the smallest store that is made without being asked for.
	smallest  = 16 << 20
	unlimited = 1 << 60
)

// A room is what the disk has for a store.
type room struct {
	free   int64 // on the disk
	usable int64 // without the margin, and with what the store has already
}

// measure looks how much the store may need. Used is how much its files have.
func measure(dir string, used int64) (room, error) {
	available, known := free(dir)
	if !known {
		return room{free: unlimited, usable: unlimited}, nil
	}
	if available < minFree {
		return room{}, failed(mackerel.ErrUnavailable, nil, "%s: the disk is full: %s are free, and at least %s are needed",
			dir, size(available), size(minFree))
	}
	return newRoom(available, used), nil
}

// newRoom leaves a twentieth of what is free to others: at least minFree, and at most 1 GiB.
func newRoom(available, used int64) room {
	margin := min(max(available/20, minFree), 1<<30)
	return room{available, used + available - margin}
}

// onDisk returns how much a store needs for a MaxBytes: dead letters have a quarter in addition, and the server cleans
// up a block when more than half of it was removed.
func onDisk(maxBytes int64) int64 { return maxBytes/2*5 + maxBytes%2*5/2 }

// maxBytes returns the size of a new store: what was asked for, or the default of package durable, or less than that
// if it does not fit.
func (r room) maxBytes(dir string, asked, byDefault int64) (int64, error) {
	if asked == 0 {
		asked = min(byDefault, r.usable/5*2)
		if asked < smallest {
			asked = smallest
		}
	}
	if asked > unlimited/4 || onDisk(asked) > r.usable {
		return 0, failed(mackerel.ErrConfig, nil,
			"Store.MaxBytes: %s of alerts need up to %s on the disk of %s, where %s are free and %s can be used",
			size(asked), size(onDisk(min(asked, unlimited/4))), dir, size(r.free), size(r.usable))
	}
	return asked, nil
}

// freeText is a part of an error.
func freeText(dir string) string {
	if n, known := free(dir); known {
		return ": " + size(n) + " are free"
	}
	return ""
}
