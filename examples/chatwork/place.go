package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

// A place is where the conversation happens: Chatwork itself if the environment has what it takes, otherwise its fake.
type place struct {
	client *chatwork.Client
	room   chatwork.Room
	me     chatwork.Me
	calls  int64 // the account to mention

	fake *chatworktest.Server // nil if it is the real one
}

func (p *place) connect(ctx context.Context, getenv func(string) string) (err error) {
	config := chatwork.ClientConfig{Token: mackerel.NewSecret(getenv("CHATWORK_TOKEN"))}
	roomID, err := number(getenv, "CHATWORK_ROOM_ID")
	if err != nil {
		return err
	}
	if p.calls, err = number(getenv, "CHATWORK_ACCOUNT_ID"); err != nil {
		return err
	}
	if config.Token.IsZero() || roomID == 0 {
		roomID = p.pretend()
		config = p.fake.ClientConfig()
	}
	if p.client, err = chatwork.NewClient(config); err != nil {
		return err
	}
	if p.room, err = p.client.GetRoom(ctx, roomID); err != nil {
		return err
	}
	if p.me, err = p.client.GetMe(ctx); err != nil {
		return err
	}
	if p.calls == 0 {
		p.calls = p.me.AccountID
	}
	return nil
}

// number reads a variable, 0 if it is not set.
func number(getenv func(string) string, name string) (int64, error) {
	if getenv(name) == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(getenv(name), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return n, nil
}

// pretend starts the fake, with a room for two.
func (p *place) pretend() (roomID int64) {
	p.fake = chatworktest.New()
	p.calls = p.fake.AddAccount(chatworktest.Account{Name: "Anna"})
	return p.fake.AddRoom(chatworktest.Room{Name: "deployments", Members: map[int64]chatworktest.Role{
		chatworktest.AccountID: chatworktest.RoleAdmin, p.calls: chatworktest.RoleMember,
	}})
}

// colleagueAnswers lets the colleague in the fake say something, and then reply. In a real room people do that.
func (p *place) colleagueAnswers(messageID string) {
	if p.fake == nil {
		return
	}
	var reply chatwork.Builder
	reply.Reply(chatworktest.AccountID, p.room.RoomID, messageID).Text("on my way. Can I have the whole log?")
	for _, body := range []string{"who ate my sandwich?", reply.String()} {
		p.fake.AddMessage(p.room.RoomID, chatworktest.Message{AccountID: p.calls, Body: body})
	}
}

func (p *place) where() string {
	if p.fake == nil {
		return "Chatwork (the real one)"
	}
	return "Chatwork (a fake at " + p.fake.URL() + ")"
}

func (p *place) close() {
	if p.fake != nil {
		p.fake.Close()
	}
}
