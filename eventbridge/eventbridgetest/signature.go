package eventbridgetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// This file calculates Signature Version 4 by its description and without the SDK, so that the fake does not repeat a
// mistake of the SDK or in its use.
// See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeLayout = "20060102T150405Z"
	service    = "events"
	tolerance  = 5 * time.Minute
)

// An authorization is what the header Authorization says.
type authorization struct {
	keyID, scope  string // the scope is date/region/service/aws4_request
	signedHeaders []string
	signature     string
}

func parseAuthorization(value string) (a authorization, ok bool) {
	fields, found := strings.CutPrefix(value, algorithm+" ")
	if !found {
		return a, false
	}
	for _, field := range strings.Split(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			a.keyID, a.scope, _ = strings.Cut(value, "/")
		case "SignedHeaders":
			a.signedHeaders = strings.Split(value, ";")
		case "Signature":
			a.signature = value
		}
	}
	return a, a.keyID != "" && len(a.signedHeaders) > 0 && a.signature != ""
}

// verify returns the refusal of a request that is not signed as it must be.
func (s *Server) verify(r *http.Request, body []byte) error {
	if r.Header.Get("Authorization") == "" {
		return refuse("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	a, ok := parseAuthorization(r.Header.Get("Authorization"))
	date := r.Header.Get("X-Amz-Date")
	at, err := time.Parse(timeLayout, date)
	if !ok || err != nil {
		return refuse("IncompleteSignatureException", "Authorization header or X-Amz-Date is malformed.")
	}
	unsigned := a.unsigned(r.Header)
	switch off := s.Now().Sub(at); {
	case off > tolerance || off < -tolerance:
		return refuse("InvalidSignatureException", "Signature expired: "+date+" is off by "+off.Round(time.Second).String())
	case a.scope != at.Format("20060102")+"/"+Region+"/"+service+"/aws4_request":
		return refuse("InvalidSignatureException", "Credential should be scoped to a valid date, region and service.")
	case a.keyID != AccessKeyID || !s.HasToken(r.Header.Get("X-Amz-Security-Token")):
		return refuse("UnrecognizedClientException", "The security token included in the request is invalid.")
	case unsigned != "":
		return refuse("InvalidSignatureException", "The header "+unsigned+" must be signed.")
	case !hmac.Equal([]byte(a.signature), []byte(a.expected(r, body, date))):
		return refuse("InvalidSignatureException", "The request signature we calculated does not match the signature you provided.")
	}
	return nil
}

// unsigned returns the name of a header that must be signed and is not, or "".
func (a authorization) unsigned(h http.Header) string {
	required := []string{"host"}
	for name := range h {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") || name == "content-type" {
			required = append(required, name)
		}
	}
	for _, name := range required {
		if !slices.Contains(a.signedHeaders, name) {
			return name
		}
	}
	return ""
}

// expected returns the right signature, in hexadecimal.
func (a authorization) expected(r *http.Request, body []byte, date string) string {
	canonical := strings.Join([]string{
		r.Method, "/", "", a.canonicalHeaders(r), strings.Join(a.signedHeaders, ";"), sum(body),
	}, "\n")
	key := []byte("AWS4" + SecretAccessKey)
	for _, part := range strings.Split(a.scope, "/") {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, strings.Join([]string{algorithm, date, a.scope, sum([]byte(canonical))}, "\n")))
}

// canonicalHeaders returns a line for each signed header. net/http keeps two of them outside of the request's Header.
func (a authorization) canonicalHeaders(r *http.Request) string {
	var b strings.Builder
	for _, name := range a.signedHeaders {
		values := r.Header.Values(name)
		switch name {
		case "host":
			values = []string{r.Host}
		case "content-length":
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		joined := strings.Join(values, ",")
		b.WriteString(name + ":" + strings.Join(strings.Fields(joined), " ") + "\n")
	}
	return b.String()
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
