package eventbridge

import (
	"encoding/json"
	"testing"

	"github.com/mackerel-notify/mackerel"
)

// FuzzDetail takes any webhook: what goes in valid must come out valid, and with nothing lost but what is left out.
func FuzzDetail(f *testing.F) {
	for _, body := range []string{
		`{"event":"alert","message":"","user":null,"type":"host","imageUrl":null,"alert":{"status":"ok"}}`,
		`{"event":"alert","resourceInfo":{"a":[1.0,{}]},"障":"\u0000","a\"b":{}}`, `{}`, `{"":{"":null}}`, "\xff",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, _ := mackerel.ParseWebhook(body) // what could not be read is left out of the alert
		text, err := detailOf(a, &ResourceInfo{Service: "ec2"})
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		var got, was map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &got); err != nil || got["resourceInfo"] == nil {
			t.Fatalf("%q became %q: %v", body, text, err)
		}
		if a.Raw == nil || json.Unmarshal(a.Raw, &was) != nil {
			return
		}
		for name := range was {
			switch _, kept := got[name]; {
			case kept, name == "type", name == "imageUrl", name == "message", name == "user", name == "resourceInfo":
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
