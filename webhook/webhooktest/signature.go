package webhooktest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks, as net/http reads them.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// tolerance is how far a timestamp may be off, as in the libraries of Standard Webhooks.
const tolerance = 5 * time.Minute

func decodeSecret(secret string) []byte {
	encoded, found := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !found || err != nil {
		panic("webhooktest: a secret is not whsec_ and base64")
	}
	return key
}

// verify says what is wrong with a signature, "" if it is right.
func (s *Server) verify(h http.Header, body []byte) string {
	for _, name := range []string{headerID, headerTimestamp, headerSignature} {
		if len(h.Values(name)) != 1 || h.Get(name) == "" {
			return strings.ToLower(name) + " is required, once"
		}
	}
	seconds, err := strconv.ParseInt(h.Get(headerTimestamp), 10, 64)
	if err != nil {
		return "webhook-timestamp is not a number of seconds"
	}
	if off := s.Now().Sub(time.Unix(seconds, 0)); off > tolerance || off < -tolerance {
		return "webhook-timestamp is off by " + off.Round(time.Second).String()
	}
	if strings.Contains(h.Get(headerID), ".") {
		return "webhook-id has a dot"
	}
	for _, key := range s.keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(h.Get(headerID) + "." + h.Get(headerTimestamp) + "." + string(body)))
		if oneIs(h.Get(headerSignature), mac.Sum(nil)) {
			return ""
		}
	}
	return "no signature is right"
}

// oneIs reports whether one of the signatures, separated by blanks, is a v1 of this value.
func oneIs(signatures string, want []byte) bool {
	for _, signature := range strings.Split(signatures, " ") {
		encoded, found := strings.CutPrefix(signature, "v1,")
		if got, err := base64.StdEncoding.DecodeString(encoded); found && err == nil && hmac.Equal(got, want) {
			return true
		}
	}
	return false
}
