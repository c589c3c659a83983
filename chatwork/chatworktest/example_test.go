package chatworktest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

// What is tested here is whatever posts to the room; in your test it is your program.
func Example() {
	s := chatworktest.NewServer()
	defer s.Close()

	form := url.Values{"body": {"[To:123]\n[info][title]Disk full[/title]the memo says ［toall][/info]"}, "self_unread": {"1"}}
	address := fmt.Sprintf("%s/rooms/%d/messages", s.BaseURL(), chatworktest.RoomID)
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("X-ChatWorkToken", chatworktest.Token)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status, resp.Header.Get("x-ratelimit-remaining"), "calls left")

	for _, m := range s.Messages(chatworktest.RoomID) {
		all, accounts := chatworktest.Mentions(m.Body)
		fmt.Println("unread for its author:", m.SelfUnread)
		fmt.Println("calls everybody:", all, "calls accounts:", accounts)
		fmt.Println("tags:", chatworktest.Tags(m.Body))
	}
	// Output:
	// 200 OK 299 calls left
	// unread for its author: true
	// calls everybody: false calls accounts: [123]
	// tags: [[To:123] [info] [title] [/title] [/info]]
}
