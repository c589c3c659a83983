package typetalktest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/mackerel-notify/mackerel/typetalk/typetalktest"
)

// What is tested here is whatever posts to the topic; in your test it is your program.
func Example() {
	s := typetalktest.NewServer()
	defer s.Close()

	form := url.Values{"message": {"@hanako disk full, ask ops@example.com"}, "ignoreHashtag": {"true"}}
	address := fmt.Sprintf("%s/topics/%d", s.BaseURL(), typetalktest.TopicID)
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("X-Typetalk-Token", typetalktest.Token)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)

	p := s.Posts(typetalktest.TopicID)[0]
	fmt.Println("calls", typetalktest.Mentions(p.Message), "makes tags:", !p.IgnoreHashtag)
	// Output:
	// 200 OK
	// calls [hanako example.com] makes tags: false
}
