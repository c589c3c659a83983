package receiver

import (
	"encoding/binary"
	"testing"
	"time"
)

func TestTheWindowIsBounded(t *testing.T) {
	w := window{byBody: make(map[sum]*past)}
	now := time.Now()
	body := func(n int) (b sum) {
		binary.BigEndian.PutUint32(b[:], uint32(n))
		return b
	}
	const documented = 65_536
	for n := range 2 * documented {
		w.add(&past{body: body(n), at: now})
	}
	if len(w.byBody) != documented || len(w.queue) != documented || cap(w.queue) > 2*documented {
		t.Errorf("%d bodies, %d of %d in the queue", len(w.byBody), len(w.queue), cap(w.queue))
	}
	if w.find(body(documented-1), now) != nil || w.find(body(documented), now) == nil {
		t.Error("not the oldest were removed")
	}
	if w.find(body(documented), now.Add(time.Hour)) != nil || len(w.byBody) != 0 || len(w.queue) != 0 {
		t.Errorf("after an hour there are %d bodies", len(w.byBody))
	}
}

// The first try failed, the second succeeded. The end of the first must not remove the second.
func TestABodyIsRememberedFromItsLastDelivery(t *testing.T) {
	w := window{byBody: make(map[sum]*past)}
	start := time.Now()
	w.add(&past{at: start})
	w.add(&past{at: start.Add(time.Second)})
	if w.find(sum{}, start.Add(windowLength+time.Second)) == nil || w.find(sum{}, start.Add(windowLength+2*time.Second)) != nil {
		t.Error("the time of the first delivery counts")
	}
}
