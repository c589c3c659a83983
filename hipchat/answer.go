package hipchat

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// judge returns a Judge that accepts only one status as a success. A proxy may answer with another.
func judge(status int) func(*transport.Result) {
	return func(r *transport.Result) {
		if r.Class == transport.Done && r.Status != status {
			provider.Undocumented(r)
		}
	}
}

// decodeError reads {"error":{"code":400,"message":"...","type":"..."}}, whose code is the status. The error of a card
// has a description in place of the message, and the error of an OAuth call is a string.
func decodeError(_ int, body []byte) (code, message string) {
	var e struct {
		Error jsontext.Value `json:"error"`
	}
	var details struct {
		Message     string `json:"message"`
		Field       string `json:"field"`
		Description string `json:"description"`
	}
	switch {
	case !provider.DecodeJSON(body, &e):
		return "", ""
	case provider.DecodeJSON(e.Error, &message):
		return "", message
	case !provider.DecodeJSON(e.Error, &details):
		return "", ""
	case details.Message != "":
		return "", details.Message
	}
	return "", provider.Join(": ", details.Field, details.Description)
}

// unmarshal decodes what a server sends into what v points to. Doubled members and invalid UTF-8 are accepted.
func unmarshal(b []byte, v any) error {
	return json.Unmarshal(b, v, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// unmarshalEither decodes a string into text, and everything else into object.
func unmarshalEither(b []byte, text *string, object any) error {
	if jsontext.Value(b).Kind() == '"' {
		return unmarshal(b, text)
	}
	return unmarshal(b, object)
}
