package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// The headers of Standard Webhooks, as net/http writes them.
// See https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// The length of a signing secret in bytes, decoded: see the section "Signature scheme" of the specification.
const (
	minSecret = 24
	maxSecret = 64
)

const (
	secretPrefix  = "whsec_"
	privatePrefix = "whsk_"
	publicPrefix  = "whpk_"
)

// A signer returns what signs the attempts of one delivery. It is a func because it holds keys, which fmt cannot print.
type signer func(id string, body []byte) func(*http.Request) error

// newSigner notes what is wrong with the secrets. It returns nil if there are no secrets.
func newSigner(p *provider.Problems, secrets []mackerel.Secret) signer {
	var keys [][]byte
	for i, s := range secrets {
		key, problem := decodeSecret(s.Reveal())
		p.Add("SigningSecrets["+strconv.Itoa(i)+"]", problem)
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil
	}
	return func(id string, body []byte) func(*http.Request) error {
		return func(r *http.Request) error {
			timestamp := strconv.FormatInt(time.Now().Unix(), 10)
			r.Header.Set(headerTimestamp, timestamp)
			r.Header.Set(headerSignature, signatures(keys, id, timestamp, body))
			return nil
		}
	}
}

// decodeSecret reads a secret as verifiers do: the prefix and the padding of the base64 may be missing.
func decodeSecret(s string) (key []byte, problem string) {
	if strings.HasPrefix(s, privatePrefix) || strings.HasPrefix(s, publicPrefix) {
		return nil, "must be whsec_, not an asymmetric key"
	}
	encoded := strings.TrimRight(strings.TrimPrefix(s, secretPrefix), "=")
	key, err := base64.RawStdEncoding.DecodeString(encoded)
	switch {
	case s == "":
		return nil, "required"
	case err != nil || strings.ContainsAny(s, "\r\n"): // which the decoder skips
		return nil, "must be whsec_ and base64"
	case len(key) < minSecret || len(key) > maxSecret:
		return nil, "must have " + strconv.Itoa(minSecret) + " to " + strconv.Itoa(maxSecret) + " bytes, decoded"
	}
	return key, ""
}

// signatures returns the signatures of all keys, in their order.
func signatures(keys [][]byte, id, timestamp string, body []byte) string {
	all := make([]string, len(keys))
	for i, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		all[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(all, " ")
}
