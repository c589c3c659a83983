package linetest_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/line/linetest"
)

// A program pushes a message. The program here is a few lines of net/http.
func Example() {
	s := linetest.New()
	defer s.Close()

	body := `{"to":"` + linetest.GroupID + `","messages":[{"type":"text","text":"disk full"}]}`
	req, err := http.NewRequest(http.MethodPost, s.URL()+"/v2/bot/message/push", strings.NewReader(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+linetest.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	for _, d := range s.Deliveries() {
		fmt.Println(d.Call, "to", d.To, d.Messages[0].Texts())
	}
	// Output:
	// 200 OK
	// push to [C0123456789abcdef0123456789abcdef] [disk full]
}
