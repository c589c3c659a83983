package main

import (
	"log"
	"slices"
)

// A messageCase is a way in which messages are sent.
type messageCase struct {
	name, base string
	workers    int // goroutines
}

func messageCases(s *server) []messageCase {
	return []messageCase{
		{"20 ms latency, sequential", s.Slow, 1},
		{"20 ms latency, 64 goroutines", s.Slow, 64},
		{"no latency, sequential", s.Plain, 1},
		{"no latency, 64 goroutines", s.Plain, 64},
		{"TLS, sequential", s.TLS, 1},
		{"TLS, 64 goroutines", s.TLS, 64},
		{"HTTP/2, sequential", s.HTTP2, 1},
		{"HTTP/2, 64 goroutines", s.HTTP2, 64},
	}
}

// messages compares what each subject needs for a message with net/http posting the same bytes.
func messages(m *meter, s *server) (rows []Row, err error) {
	subjects := slices.Concat(ours, rivals)
	requests := make([]posted, len(subjects))
	for i, subject := range subjects {
		if requests[i], err = record(subject); err != nil {
			return nil, err
		}
	}
	for _, c := range messageCases(s) {
		log.Print("messages: ", c.name)
		contests := make([]contest, len(subjects))
		for i, subject := range subjects {
			f, err := subject.open(c.base)
			if err != nil {
				return nil, err
			}
			contests[i] = contest{
				Part: "messages", Case: c.name, Subject: subject.name, workers: c.workers, each: 1,
				subject: f, base: raw(c.base, requests[i]),
			}
		}
		some, err := m.run(contests)
		if err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	return rows, nil
}
