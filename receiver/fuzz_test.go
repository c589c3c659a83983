package receiver_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/receiver"
)

// FuzzRequest posts any body with any headers. An alert is delivered exactly if the answer says so.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{body, sample, "{}", "null", "[]", "", `{"event":"alert","alert":5}`, body + "x", "\xef\xbb\xbf" + body} {
		f.Add(s, "application/json", "")
	}
	f.Add(body, "text/plain", "")
	f.Add(body, "application/json; charset=x; =", "gzip")
	f.Fuzz(func(t *testing.T, text, contentType, encoding string) {
		h := newHarness(t, receiver.Config{}, nil)
		w := h.post(text, header("Content-Type", contentType), header("Content-Encoding", encoding))
		h.wantCalls(t, map[bool]int{true: 1}[w.Code == http.StatusOK], 0)
		_, err := mackerel.ParseWebhook([]byte(text))
		switch isAlert := err == nil || errors.Is(err, mackerel.ErrOddMember); w.Code {
		case http.StatusOK:
			if got := string(h.alerts[0].Raw); !isAlert || got != strings.TrimPrefix(text, "\ufeff") {
				t.Errorf("delivered %q for %q, %v", got, text, err)
			}
		case http.StatusBadRequest:
			if isAlert {
				t.Errorf("an alert is refused: %q", w.Body)
			}
		case http.StatusUnsupportedMediaType:
			if contentType == "application/json" && encoding == "" {
				t.Errorf("JSON is refused: %q", w.Body)
			}
		default:
			t.Errorf("the status is %d", w.Code)
		}
		if h.last().Status != w.Code {
			t.Errorf("OnRequest got %d, and the answer was %d", h.last().Status, w.Code)
		}
	})
}
