package webhook

import (
	"encoding/base64"
	"strings"
	"testing"
)

// The vector of the libraries of Standard Webhooks.
func TestTheSignatureIsThatOfTheSpecification(t *testing.T) {
	key, problem := decodeSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if problem != "" {
		t.Fatal(problem)
	}
	got := signatures([][]byte{key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzDecodeSecret(f *testing.F) {
	f.Add("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	f.Add("whsk_AAAA")
	f.Add("whsec_====")
	f.Fuzz(func(t *testing.T, s string) {
		key, problem := decodeSecret(s)
		switch {
		case problem != "" && key != nil && len(key) >= minSecret && len(key) <= maxSecret:
			t.Errorf("%q: %s", s, problem)
		case problem == "" && !strings.Contains(s, strings.TrimRight(base64.StdEncoding.EncodeToString(key), "=")[:30]):
			t.Errorf("%q was read as %x", s, key)
		}
	})
}
