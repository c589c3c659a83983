package eventbridgetest

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// tolerance is how far a signature's date may be from the server's clock.
// See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html.
const tolerance = 5 * time.Minute

// authorization is the form of the header Authorization. Its groups are the key's id, the signed headers and the
// signature. See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
var authorization = regexp.MustCompile(
	`^AWS4-HMAC-SHA256 Credential=([^/,]+)/[^,]+, *SignedHeaders=([^,]+), *Signature=([^,]+)$`)

// verify returns the refusal of a request that is not signed as it must be.
func (s *Server) verify(r *http.Request, body []byte) error {
	given := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	date := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", date)
	off := s.Now().Sub(at)
	switch {
	case r.Header.Get("Authorization") == "":
		return refuse("MissingAuthenticationTokenException", "Missing Authentication Token")
	case given == nil || err != nil:
		return refuse("IncompleteSignatureException", "Authorization header or X-Amz-Date is malformed.")
	case off.Abs() > tolerance:
		return refuse("InvalidSignatureException", "Signature expired: "+date+" is off by "+off.Round(time.Second).String())
	case given[1] != AccessKeyID || !s.HasToken(r.Header.Get("X-Amz-Security-Token")):
		return refuse("UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	want, err := sign(r, body, strings.Split(given[2], ";"), at)
	if err != nil || want != given[3] {
		return refuse("InvalidSignatureException", "The request signature we calculated does not match the signature you provided.")
	}
	return nil
}

// sign returns the signature that a request must have: that of the headers that the client says it has signed, and of
// those that it must sign.
func sign(r *http.Request, body []byte, signed []string, at time.Time) (string, error) {
	again := r.Clone(r.Context())
	maps.DeleteFunc(again.Header, func(name string, _ []string) bool {
		name = strings.ToLower(name)
		required := name == "content-type" || strings.HasPrefix(name, "x-amz-")
		return !required && !slices.Contains(signed, name)
	})
	if !slices.Contains(signed, "content-length") {
		again.ContentLength = 0
	}
	sum := sha256.Sum256(body)
	keys := credentials(r.Header.Get("X-Amz-Security-Token"))
	if err := v4.NewSigner().SignHTTP(r.Context(), keys, again, hex.EncodeToString(sum[:]), "events", Region, at); err != nil {
		return "", err
	}
	return authorization.FindStringSubmatch(again.Header.Get("Authorization"))[3], nil
}
