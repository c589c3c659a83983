package linetest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/line/linetest"
)

// A program pushes a message twice with one retry key. The program here is a few lines of net/http.
func Example() {
	s := linetest.New()
	defer s.Close()

	for range 2 {
		body := `{"to":"` + linetest.GroupID + `","messages":[{"type":"text","text":"disk full"}]}`
		req, err := http.NewRequest(http.MethodPost, s.URL()+"/v2/bot/message/push", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		req.Header.Set("Authorization", "Bearer "+linetest.Token)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Line-Retry-Key", "123e4567-e89b-42d3-a456-426614174000")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		answer, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Println(resp.Status, string(answer), err)
	}
	for _, d := range s.Deliveries() {
		fmt.Println(d.Call, "to", d.To, d.Messages[0].Texts())
	}
	// Output:
	// 200 OK {"sentMessages":[{"id":"460000000000000001","quoteToken":"quote-460000000000000001"}]} <nil>
	// 409 Conflict {"message":"The retry key is already accepted","sentMessages":[{"id":"460000000000000001","quoteToken":"quote-460000000000000001"}]} <nil>
	// push to [C0123456789abcdef0123456789abcdef] [disk full]
}
