package email_test

import (
	"bufio"
	"context"
	"io"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// A script is an SMTP server without rules: it sends the replies that a test gives it, also those that the fake cannot
// send. Commands has the commands of all connections, with "connect" for the greeting and "." for a mail.
type script struct {
	// reply returns the reply to a command, with all its line ends. It is called again with the same command until it
	// returns nil, so that a reply may be endless.
	reply func(command string, part int) []byte

	mu       sync.Mutex
	commands []string
	sent     int // bytes of the reply to the last command that the client has read
	sessions sync.WaitGroup
}

// once returns a reply function with one reply for each command, by its first word. The usual reply stands for a
// command that is not in the table. A reply that is "hang up" ends the connection.
func once(replies map[string]string) func(string, int) []byte {
	usual := map[string]string{"connect": "220 hello", "DATA": "354 go on", "QUIT": "221 bye"}
	replies = maps.Clone(replies)
	return func(command string, part int) []byte {
		verb, _, _ := strings.Cut(command, " ")
		reply, given := replies[verb]
		if !given {
			reply = usual[verb]
		}
		switch {
		case part > 0:
			return nil
		case reply == "":
			reply = "250 fine"
		}
		return []byte(reply + "\r\n")
	}
}

// Dial begins a session in memory.
func (s *script) Dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	s.sessions.Go(func() {
		defer func() { _ = far.Close() }()
		s.serve(far)
	})
	return near, nil
}

func (s *script) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	for command := "connect"; s.answer(conn, command); {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if command == "DATA" {
			for line != ".\r\n" && err == nil {
				line, err = in.ReadString('\n')
			}
		}
		command = strings.TrimSpace(line)
	}
}

// answer sends the reply to a command. It reports false if the session is over.
func (s *script) answer(conn io.Writer, command string) bool {
	s.mu.Lock()
	s.commands = append(s.commands, command)
	s.sent = 0
	s.mu.Unlock()
	for part := 0; ; part++ {
		reply := s.reply(command, part)
		if reply == nil || string(reply) == "hang up\r\n" {
			return reply == nil
		}
		n, err := conn.Write(reply)
		s.mu.Lock()
		s.sent += n
		s.mu.Unlock()
		if err != nil {
			return false
		}
	}
}

// Commands returns the commands of all sessions, without their parameters.
func (s *script) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var verbs []string
	for _, command := range s.commands {
		verb, _, _ := strings.Cut(command, " ")
		verbs = append(verbs, verb)
	}
	return verbs
}

// Sent returns how many bytes of the reply to the last command were read.
func (s *script) Sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

// scripted returns a server with these replies and a notifier that reaches it, without TLS and with a single attempt.
func scripted(t testing.TB, reply func(string, int) []byte, configure ...func(*email.Config)) (*script, *email.Notifier) {
	t.Helper()
	s := &script{reply: reply}
	t.Cleanup(s.sessions.Wait)
	config := email.Config{
		Host: "relay.example.com", TLS: email.TLSNone, From: "alert@example.com", To: []string{hanako}, Dial: s.Dial,
		Call: mackerel.CallOptions{MaxAttempts: 1, Pace: mackerel.Unpaced},
	}
	for _, f := range configure {
		f(&config)
	}
	return s, servicetest.Make(t, email.New, config)
}
