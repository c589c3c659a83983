package eventbridge

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A signer returns what signs the attempts of one call. The cleaner knows the credentials of the last attempt. A signer
// is a func because it holds credentials, which fmt cannot print.
type signer func(body []byte) (sign func(*http.Request) error, clean *transport.Cleaner)

var errNoKeys = errors.New("the provider of credentials has returned none")

// newSigner returns a signer with Signature Version 4, for the service "events". The credentials are retrieved for each
// attempt, because they may expire while the call waits.
func newSigner(credentials aws.CredentialsProvider, region string) signer {
	v4Signer := v4.NewSigner()
	return func(body []byte) (func(*http.Request) error, *transport.Cleaner) {
		sum := sha256.Sum256(body)
		hash := hex.EncodeToString(sum[:])
		clean := transport.NewCleaner()
		return func(r *http.Request) error {
			keys, err := credentials.Retrieve(r.Context())
			if err != nil {
				return err
			}
			if !keys.HasKeys() {
				return errNoKeys
			}
			*clean = *cleanerOf(keys)
			return v4Signer.SignHTTP(r.Context(), keys, r, hash, "events", region, time.Now())
		}, clean
	}
}

// cleanerOf returns a cleaner of credentials as they are and in lower case, in which some proxies quote them.
func cleanerOf(c aws.Credentials) *transport.Cleaner {
	return transport.NewCleaner(
		c.SecretAccessKey, strings.ToLower(c.SecretAccessKey), c.SessionToken, strings.ToLower(c.SessionToken),
	)
}
