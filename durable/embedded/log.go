package embedded

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// A journal is the server's logger. It keeps the errors, and passes them and the warnings on.
type journal struct {
	logger *slog.Logger

	mu     sync.Mutex
	fatal  string // why the server did not start
	broken string // why the server cannot write any more
}

func (j *journal) write(level slog.Level, format string, args []any) string {
	text := strings.TrimSpace(fmt.Sprintf(format, args...))
	switch {
	case j.logger == nil:
	case level == slog.LevelWarn:
		j.logger.Warn(text)
	default:
		j.logger.Error(text)
	}
	return text
}

// Warnf implements the interface of the server.
func (j *journal) Warnf(format string, args ...any) { j.write(slog.LevelWarn, format, args) }

// Errorf notes an error of the disk. The server never writes to a stream again after it.
func (j *journal) Errorf(format string, args ...any) {
	text := j.write(slog.LevelError, format, args)
	if _, why, ok := strings.Cut(text, "Critical write error: "); ok {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.broken = why
	}
}

// Fatalf notes why the server does not start.
func (j *journal) Fatalf(format string, args ...any) {
	text := j.write(slog.LevelError, format, args)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fatal = text
}

// Noticef does nothing, and so do Debugf and Tracef.
func (j *journal) Noticef(string, ...any) {}

// Debugf does nothing.
func (j *journal) Debugf(string, ...any) {}

// Tracef does nothing.
func (j *journal) Tracef(string, ...any) {}

// troubles returns why the server did not start, and why it cannot write any more.
func (j *journal) troubles() (fatal, broken string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.fatal, j.broken
}
