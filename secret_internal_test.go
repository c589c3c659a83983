package mackerel

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestEqualSecretsAreEqualInAllGoroutines(t *testing.T) {
	for round := range 1000 {
		value := fmt.Sprint("shared-by-", t.Name(), round%500) // the second half is known, and may be gone
		var secrets [4]Secret
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range secrets {
			wg.Go(func() {
				<-start
				secrets[i] = NewSecret(value)
			})
		}
		close(start)
		wg.Wait()
		for _, s := range secrets {
			if s != secrets[0] || s.Reveal() != value {
				t.Fatalf("%q and %q", s.Reveal(), secrets[0].Reveal())
			}
		}
		if round%50 == 0 {
			runtime.GC()
		}
	}
}

func TestASecretThatIsGoneIsNotKept(t *testing.T) {
	const prefix = "gone-"
	kept := func() (n int) {
		boxes.Range(func(value, _ any) bool {
			if strings.HasPrefix(value.(string), prefix) {
				n++
			}
			return true
		})
		return n
	}
	held := NewSecret(prefix + "held")
	for i := range 1000 {
		NewSecret(fmt.Sprint(prefix, i))
	}
	for deadline := time.Now().Add(10 * time.Second); kept() > 1 && time.Now().Before(deadline); {
		runtime.GC()
	}
	if n := kept(); n != 1 || held != NewSecret(prefix+"held") {
		t.Errorf("%d values are kept, want the one that is in use", n)
	}
}

func BenchmarkNewSecret(b *testing.B) {
	for b.Loop() {
		NewSecret("https://hooks.example.com/0123456789abcdef")
	}
}
