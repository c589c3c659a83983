package teams

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// connectorFailure is how the retired connectors report a failure in an answer of 200.
const connectorFailure = "Webhook message delivery failed"

// judge accepts a 202, and a 200 whose body may be a Response action's: anything but a page of HTML, which is a proxy's.
func judge(r *transport.Result) {
	if r.Class != transport.Done || r.Status == http.StatusAccepted {
		return
	}
	foreign := isPage(r.Body) || bytes.Contains(r.Body, []byte(connectorFailure))
	if r.Status != http.StatusOK || foreign {
		provider.Undocumented(r)
	}
}

func isPage(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }

// decodeError reads {"error":{"code":"...","message":"..."}}. Other words are kept as they are, but not a page of HTML.
func decodeError(_ int, body []byte) (code, message string) {
	var e struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	switch {
	case isPage(body):
		return "", ""
	case json.Unmarshal(body, &e) != nil || e.Error.Code+e.Error.Message == "":
		return "", strings.TrimSpace(string(body))
	}
	return e.Error.Code, provider.Join(": ", e.Error.Code, e.Error.Message)
}
