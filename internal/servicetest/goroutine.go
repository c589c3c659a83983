package servicetest

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// WantNoGoroutine fails the test if a goroutine has a function in its stack whose name contains the part. It waits up
// to 5 seconds, because a goroutine that has reported its end still needs a moment to end.
func WantNoGoroutine(t testing.TB, part string) {
	t.Helper()
	buf := make([]byte, 1<<20)
	stacks := ""
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); runtime.Gosched() {
		if stacks = string(buf[:runtime.Stack(buf, true)]); !strings.Contains(stacks, part) {
			return
		}
	}
	t.Errorf("a goroutine of %s is left:\n%s", part, stacks)
}
