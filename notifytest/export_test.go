package notifytest

import (
	"fmt"
	"testing"
	"time"
)

// Complaints tries one row and returns what the check complains about.
func Complaints(t *testing.T, name string, harness func(testing.TB) Harness) []string {
	t.Helper()
	for _, r := range rows() {
		if r.name == name {
			var c complaints
			r.run(t, stage{reporter: &c, harness: harness, linger: 100 * time.Millisecond}, harness(t).Fake != nil)
			return c
		}
	}
	t.Fatalf("there is no row %q", name)
	return nil
}

// Names returns the names of all rows.
func Names() []string {
	var names []string
	for _, r := range rows() {
		names = append(names, r.name)
	}
	return names
}

// complaints is a reporter that keeps what it is told.
type complaints []string

func (c *complaints) Helper() {}

func (c *complaints) Errorf(format string, args ...any) {
	*c = append(*c, fmt.Sprintf(format, args...))
}
