package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/mackereltest"
)

// services are the three services, each the real one if the environment has what it takes, its fake otherwise.
type services struct {
	mackerel     *mackerel.Client
	chatwork     *chatwork.Client
	chatworkRoom *chatwork.Notifier
	roomID       int64
	hipchatRoom  *hipchat.Notifier

	fakeMackerel *mackereltest.Server // nil if it is the real one, and so below
	fakeChatwork *chatworktest.Server
	fakeHipChat  *hipchattest.Server
}

func (s *services) connect(getenv func(string) string) error {
	return errors.Join(s.connectMackerel(getenv), s.connectChatwork(getenv), s.connectHipChat(getenv))
}

func (s *services) connectMackerel(getenv func(string) string) (err error) {
	config := mackerel.ClientConfig{APIKey: mackerel.NewSecret(getenv("MACKEREL_APIKEY"))}
	if config.APIKey.IsZero() {
		s.fakeMackerel = mackereltest.New()
		s.fakeMackerel.AddChannelOfEachType()
		s.fakeMackerel.AddChannel(`{"name":"the day after tomorrow","type":"carrier-pigeon","suspendedAt":null,"loft":"north"}`)
		config = s.fakeMackerel.Config()
	}
	s.mackerel, err = mackerel.NewClient(config)
	return err
}

func (s *services) connectChatwork(getenv func(string) string) (err error) {
	config := chatwork.ClientConfig{Token: mackerel.NewSecret(getenv("CHATWORK_TOKEN"))}
	if room := getenv("CHATWORK_ROOM_ID"); room != "" {
		if s.roomID, err = strconv.ParseInt(room, 10, 64); err != nil {
			return fmt.Errorf("CHATWORK_ROOM_ID: %w", err)
		}
	}
	if config.Token.IsZero() || s.roomID == 0 {
		s.fakeChatwork = chatworktest.New()
		config = s.fakeChatwork.ClientConfig()
		s.roomID = chatworktest.RoomID
	}
	if s.chatwork, err = chatwork.NewClient(config); err != nil {
		return err
	}
	s.chatworkRoom, err = chatwork.New(chatwork.Config{Client: s.chatwork, RoomID: s.roomID})
	return err
}

func (s *services) connectHipChat(getenv func(string) string) (err error) {
	config := hipchat.Config{
		BaseURL: getenv("HIPCHAT_URL"), Token: mackerel.NewSecret(getenv("HIPCHAT_TOKEN")), Room: getenv("HIPCHAT_ROOM"),
	}
	if config.BaseURL == "" || config.Token.IsZero() || config.Room == "" {
		s.fakeHipChat = hipchattest.New()
		s.fakeHipChat.AddRoom(1, "ops")
		config = s.fakeHipChat.Config()
		config.Room = "ops"
	}
	s.hipchatRoom, err = hipchat.New(config)
	return err
}

// where says which of the services are fakes.
func (s *services) where() string {
	say := func(name string, fake bool, url func() string) string {
		if !fake {
			return name + " (the real one)"
		}
		return name + " (a fake at " + url() + ")"
	}
	return strings.Join([]string{
		say("Mackerel", s.fakeMackerel != nil, func() string { return s.fakeMackerel.URL() }),
		say("Chatwork", s.fakeChatwork != nil, func() string { return s.fakeChatwork.URL() }),
		say("HipChat", s.fakeHipChat != nil, func() string { return s.fakeHipChat.URL() }),
	}, ", ")
}

func (s *services) close() {
	if s.fakeMackerel != nil {
		s.fakeMackerel.Close()
	}
	if s.fakeChatwork != nil {
		s.fakeChatwork.Close()
	}
	if s.fakeHipChat != nil {
		s.fakeHipChat.Close()
	}
}
