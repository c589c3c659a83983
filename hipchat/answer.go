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
