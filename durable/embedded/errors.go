package embedded

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mackerel-notify/mackerel"
)

var (
	// ErrInUse means that another process, or another [Server] of this process, uses the directory. The kind of the
	// error is [mackerel.ErrUnavailable]: a call of [Start] succeeds when the other has ended.
	ErrInUse = errors.New("the directory is in use")
	// ErrDamaged means that alerts are lost or unreadable. Nothing was changed in the directory. The kind of the error
	// is [mackerel.ErrConfig], or [mackerel.ErrNotFound] if a whole stream is missing. See [Config].AcceptDamage.
	ErrDamaged = errors.New("the store is damaged")
)

// failed returns an error of Start.
func failed(kind error, err error, format string, args ...any) *mackerel.Error {
	return &mackerel.Error{
		Provider: "durable", Op: "start", Kind: kind, Message: fmt.Sprintf(format, args...), Err: err,
	}
}

// damaged returns the error of a store that has lost alerts, with the first of its problems.
func damaged(dir string, problems []string) *mackerel.Error {
	const most = 5
	more := ""
	if n := len(problems) - most; n > 0 {
		problems, more = problems[:most], fmt.Sprintf("; and %d more", n)
	}
	return failed(mackerel.ErrConfig, ErrDamaged, "%s: %s%s", dir, strings.Join(problems, "; "), more)
}

// size writes a number of bytes for people.
func size(n int64) string {
	const kilo = 1 << 10
	switch {
	case n < kilo:
		return fmt.Sprintf("%d bytes", n)
	case n < kilo*kilo:
		return fmt.Sprintf("%.1f KiB", float64(n)/kilo)
	case n < kilo*kilo*kilo:
		return fmt.Sprintf("%.1f MiB", float64(n)/kilo/kilo)
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/kilo/kilo/kilo)
}
