package chatworktest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

// A program posts the name of a host without escaping it. The program here is some lines of net/http.
func Example() {
	s := chatworktest.New()
	defer s.Close()

	form := url.Values{"body": {"[info][title]Disk full[/title]host [toall] is down[/info]"}}
	address := fmt.Sprintf("%s/rooms/%d/messages", s.Config().BaseURL, chatworktest.RoomID)
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
	m := s.Messages(chatworktest.RoomID)[0]
	all, accounts := chatworktest.Mentions(m.Body)
	fmt.Println(resp.Status, "calls everybody:", all, "calls accounts:", accounts)
	fmt.Println(chatworktest.Tags(m.Body))
	// Output:
	// 200 OK calls everybody: true calls accounts: []
	// [[info] [title] [/title] [toall] [/info]]
}
