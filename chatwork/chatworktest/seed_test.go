package chatworktest_test

import (
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestMistakesInSeedingPanic(t *testing.T) {
	for name, seed := range map[string]func(s *chatworktest.Server){
		"a token for nobody": func(s *chatworktest.Server) { s.SetToken("x", 9) },
		"an account twice":   func(s *chatworktest.Server) { s.AddAccount(chatworktest.Account{AccountID: chatworktest.AccountID}) },
		"a room twice":       func(s *chatworktest.Server) { s.AddRoom(chatworktest.Room{RoomID: chatworktest.RoomID}) },
		"a member who is nobody": func(s *chatworktest.Server) {
			s.AddRoom(chatworktest.Room{Members: map[int64]chatworktest.Role{9: "admin"}})
		},
		"messages of an unknown room":  func(s *chatworktest.Server) { s.Messages(9) },
		"a message to an unknown room": func(s *chatworktest.Server) { s.AddMessage(9, chatworktest.Message{AccountID: chatworktest.AccountID}) },
		"a message by nobody":          func(s *chatworktest.Server) { s.AddMessage(chatworktest.RoomID, chatworktest.Message{}) },
		"a message with an id of words": func(s *chatworktest.Server) {
			s.AddMessage(chatworktest.RoomID, chatworktest.Message{AccountID: chatworktest.AccountID, MessageID: "first"})
		},
		"a task for nobody": func(s *chatworktest.Server) { s.AddTask(chatworktest.RoomID, chatworktest.Task{}) },
		"a task twice": func(s *chatworktest.Server) {
			task := chatworktest.Task{TaskID: 1, AccountID: chatworktest.AccountID, AssignedByAccountID: chatworktest.AccountID}
			s.AddTask(chatworktest.RoomID, task)
			s.AddTask(chatworktest.RoomID, task)
		},
		"a file by nobody": func(s *chatworktest.Server) { s.AddFile(chatworktest.RoomID, chatworktest.File{}) },
		"a file twice": func(s *chatworktest.Server) {
			f := chatworktest.File{FileID: 1, AccountID: chatworktest.AccountID}
			s.AddFile(chatworktest.RoomID, f)
			s.AddFile(chatworktest.RoomID, f)
		},
		"tasks of an unknown room":   func(s *chatworktest.Server) { s.Tasks(9) },
		"files of an unknown room":   func(s *chatworktest.Server) { s.Files(9) },
		"members of an unknown room": func(s *chatworktest.Server) { s.Members(9) },
		"a contact of nobody":        func(s *chatworktest.Server) { s.AddContact(chatworktest.AccountID, 9) },
		"a contact of oneself":       func(s *chatworktest.Server) { s.AddContact(chatworktest.AccountID, chatworktest.AccountID) },
		"a request by nobody": func(s *chatworktest.Server) {
			s.AddIncomingRequest(chatworktest.AccountID, chatworktest.IncomingRequest{})
		},
		"a request twice": func(s *chatworktest.Server) {
			r := chatworktest.IncomingRequest{RequestID: 1, AccountID: chatworktest.AccountID}
			s.AddIncomingRequest(chatworktest.AccountID, r)
			s.AddIncomingRequest(chatworktest.AccountID, r)
		},
		"a message twice": func(s *chatworktest.Server) {
			m := chatworktest.Message{AccountID: chatworktest.AccountID, MessageID: "5"}
			s.AddMessage(chatworktest.RoomID, m)
			s.AddMessage(chatworktest.RoomID, m)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := chatworktest.NewServer()
			defer s.Close()
			defer func() {
				if text, ok := recover().(string); !ok || !strings.HasPrefix(text, "chatworktest: ") {
					t.Errorf("recovered %q, want a text of this package", text)
				}
			}()
			seed(s)
		})
	}
}
