package twiliotest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

// A program makes calls of its own. The program here is a few lines of net/http.
func Example() {
	s := twiliotest.New()
	defer s.Close()

	form := url.Values{
		"To": {twiliotest.To}, "From": {twiliotest.From}, "Twiml": {`<Response><Say language="ja-JP">障害 &amp; 復旧</Say></Response>`},
	}
	address := s.URL() + "/2010-04-01/Accounts/" + twiliotest.AccountSID + "/Calls.json"
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.SetBasicAuth(twiliotest.AccountSID, twiliotest.AuthToken)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)

	for _, c := range s.Calls() {
		fmt.Println(c.SID, c.To, c.Language, c.Said)
	}
	// Output:
	// 201 Created
	// CA00000000000000000000000000000001 +819012345678 ja-JP 障害 & 復旧
}
