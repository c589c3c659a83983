package hipchattest_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

// A program sends HTML without escaping it. The program here is a few lines of net/http.
func Example() {
	s := hipchattest.New()
	defer s.Close()

	body := `{"message":"<b>disk</b> 91 % > 90 %<h1>","color":"red"}`
	req, err := http.NewRequest(http.MethodPost, s.Config().BaseURL+"/room/ops/notification", strings.NewReader(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+hipchattest.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)

	m := s.Messages(hipchattest.RoomID)[0]
	fmt.Println(m.From, m.Color)
	fmt.Println(hipchattest.CheckHTML(m.Text))
	// Output:
	// 204 No Content
	// Mackerel red
	// unescaped >
}
