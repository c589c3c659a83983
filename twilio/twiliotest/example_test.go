package twiliotest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

// What is tested here is whatever places calls; in your test it is your program.
func Example() {
	s := twiliotest.NewServer()
	defer s.Close()

	form := url.Values{
		"To": {"+819012345678"}, "From": {twiliotest.From}, "Twiml": {`<Response><Say language="ja-JP">障害 &amp; 復旧</Say></Response>`},
	}
	address := s.BaseURL() + "/2010-04-01/Accounts/" + twiliotest.AccountSID + "/Calls.json"
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
