package embedded

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// A progress is what the file of a consumer says: which messages of a queue were acknowledged.
type progress struct {
	queue     string
	delivered uint64 // the last sequence number that was delivered
	pending   map[uint64]bool
}

// forget drops the messages that were acknowledged and that came back because the server was killed. The server does
// not always write that it removed a message, as long as its index is not written. Such a message is never delivered
// again, since the consumer knows better, and no message of the same alert would be delivered either.
func (s *stream) forget() error {
	consumers, err := os.ReadDir(filepath.Join(s.dir, "obs"))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	for _, c := range consumers {
		p, ok := readProgress(filepath.Join(s.dir, "obs", c.Name()))
		if !ok {
			continue // the consumer is made anew, and gets all messages
		}
		for sequence, place := range s.live {
			if place.queue == p.queue && sequence <= p.delivered && !p.pending[sequence] {
				s.drop(sequence)
			}
		}
	}
	s.least = min(s.least, len(s.live))
	return nil
}

// readProgress reads the files of a consumer. It is false if they cannot be read, or if the consumer is not that of a
// queue.
func readProgress(dir string) (*progress, bool) {
	meta, err := os.ReadFile(filepath.Join(dir, "meta.inf")) //nolint:gosec // the directory is ours
	data, err2 := os.ReadFile(filepath.Join(dir, "o.dat"))   //nolint:gosec // the directory is ours
	if errors.Join(err, err2) != nil {
		return nil, false
	}
	var config struct {
		Filter string `json:"filter_subject"`
	}
	err = json.Unmarshal(meta, &config)
	queue, isQueue := strings.CutSuffix(config.Filter, "*")
	state, isState := bytes.CutPrefix(data, []byte{22, 2}) // what file it is, and its version
	if err != nil || !isQueue || !isState {
		return nil, false
	}
	p := &progress{queue: queue}
	return p, p.decode(state)
}

// decode reads what follows the version: the first sequence numbers that were not acknowledged and the last that were
// delivered, each of the consumer and of the stream, and the messages that were delivered and not acknowledged.
func (p *progress) decode(data []byte) (ok bool) {
	n := numbers{data: data}
	_, floor, _, delivered, pending := n.next(), n.next(), n.next(), n.next(), n.next()
	p.delivered, p.pending = delivered, make(map[uint64]bool)
	if pending > 0 {
		n.next() // a time
	}
	for range pending {
		p.pending[floor+n.next()] = true
		_, _ = n.next(), n.next() // the sequence number of the consumer, and the time of the delivery
		if n.bad {
			break
		}
	}
	return !n.bad
}
