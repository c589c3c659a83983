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
	for range 100 {
		var secrets [8]Secret
		var wg sync.WaitGroup
		for i := range secrets {
			wg.Go(func() { secrets[i] = NewSecret("shared-by-" + t.Name()) })
		}
		wg.Wait()
		for _, s := range secrets {
			if s != secrets[0] || s.Reveal() != "shared-by-"+t.Name() {
				t.Fatalf("%q and %q", s.Reveal(), secrets[0].Reveal())
			}
		}
		runtime.GC()
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
