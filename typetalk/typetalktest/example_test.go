package typetalktest_test

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/mackerel-notify/mackerel/typetalk/typetalktest"
)

// A program posts the name of a person without escaping it. The program here is a few lines of net/http.
func Example() {
	s := typetalktest.New()
	defer s.Close()

	config := s.Config()
	address := fmt.Sprintf("%s/topics/%d?typetalkToken=%s", config.BaseURL, config.TopicID, config.Token.Reveal())
	resp, err := http.PostForm(address, url.Values{"message": {"@hanako disk full, ask ops@example.com"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)

	p := s.Posts(typetalktest.TopicID)[0]
	fmt.Println("calls", p.Mentions(), "makes tags:", !p.IgnoreHashtag)
	// Output:
	// 200 OK
	// calls [hanako example.com] makes tags: true
}
