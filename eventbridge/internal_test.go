package eventbridge

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// FuzzDetail takes any webhook. The detail must be valid, and it must have all members but those that are left out.
func FuzzDetail(f *testing.F) {
	for _, body := range []string{
		`{"event":"alert","message":"","user":null,"type":"host","imageUrl":null,"alert":{"status":"ok"}}`,
		`{"event":"alert","resourceInfo":{"a":[1.0,{}]},"障":"\u0000","a\"b":{}}`, `{}`, `{"":{"":null}}`, "\xff",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, _ := mackerel.ParseWebhook(body) // the alert has what could be read
		var b bytes.Buffer
		if err := writeDetail(&b, a, &ResourceInfo{Service: "ec2"}); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		text := b.Bytes()
		var got, was map[string]jsontext.Value
		if !provider.DecodeJSON(text, &got) || got["resourceInfo"] == nil {
			t.Fatalf("%q became %q", body, text)
		}
		if a.Raw == nil || !provider.DecodeJSON(a.Raw, &was) {
			return
		}
		for name := range was {
			switch _, kept := got[name]; {
			case kept, name == "type", name == "imageUrl", name == "message", name == "user":
			default:
				t.Errorf("%q became %q: %q is lost", body, text, name)
			}
		}
	})
}

func FuzzDecodeError(f *testing.F) {
	for _, body := range []string{`{"__type":"a#B:c","message":"x"}`, `{"Entries":[{"ErrorCode":"X"}]}`, `{"__type":"#"}`, "null", "", "\xff"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if code, message := decodeError(400, body); len(code)+len(message) > 3*len(body) {
			t.Errorf("%q: %q, %q", body, code, message)
		}
	})
}
