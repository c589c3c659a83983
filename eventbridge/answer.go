package eventbridge

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// answer is that of PutEvents, and in the last two members that of an error. Entries stand in the order of the request's.
type answer struct {
	FailedEntryCount *int
	Entries          []result
	Type             string `json:"__type"`
	Message          string `json:"message"` // the service's own; the gateway before it writes Message
}

type result struct {
	EventID      string `json:"EventId"`
	ErrorCode    string
	ErrorMessage string
}

// judge accepts the documented success: a 200 in which the one entry has an id. It is stored in id.
func judge(id *string) func(*transport.Result) {
	return func(r *transport.Result) {
		*id = ""
		if r.Class != transport.Done {
			r.Class = refused(r)
			return
		}
		var a answer
		provider.JSON(&a)(r)
		switch {
		case r.Class != transport.Done:
		case r.Status != http.StatusOK || a.FailedEntryCount == nil || len(a.Entries) != 1:
			provider.Undocumented(r)
		case *a.FailedEntryCount == 0 && a.Entries[0].ErrorCode == "" && a.Entries[0].EventID != "":
			*id = a.Entries[0].EventID
		case *a.FailedEntryCount == 1 && a.Entries[0].ErrorCode != "":
			r.Class = entryClass(a.Entries[0].ErrorCode)
		default:
			provider.Undocumented(r)
		}
	}
}

// entryClass is what the code of a failed entry means, which is certain not to have been put. A code that is not known may
// well go away: trying again cannot put the event twice.
func entryClass(code string) transport.Class {
	switch code {
	case "AccessDeniedException", "NotAuthorizedForSourceException", "NotAuthorizedForDetailTypeException":
		return transport.Unauthorized
	case "InvalidArgument", "InvalidAccountIdException", "MalformedDetail", "RedactionFailure":
		return transport.Invalid
	}
	if isThrottle(code) {
		return transport.RateLimited
	}
	return transport.Unavailable // InternalFailure is one of these
}

// isThrottle reports whether a code means that there were too many requests.
func isThrottle(code string) bool {
	switch code {
	case "RequestLimitExceeded", "TooManyRequestsException", "SlowDown":
		return true
	}
	return strings.Contains(code, "Throttl")
}

// refused is what an error means. AWS answers nearly all with a 400, and says the rest with a code; see
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html.
func refused(r *transport.Result) transport.Class {
	var a answer
	_ = json.Unmarshal(r.Body, &a) // what is not AWS's has no code
	code := cmp.Or(plainCode(a.Type), plainCode(r.Header.Get("X-Amzn-Errortype")))
	switch {
	case isThrottle(code):
		return transport.RateLimited
	case r.Class != transport.Invalid:
		return r.Class
	}
	switch code {
	case "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "IncompleteSignatureException",
		"InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
		"NotAuthorized", "OptInRequired", "RequestExpired", "SignatureDoesNotMatch", "UnrecognizedClientException":
		return transport.Unauthorized
	case "ResourceNotFoundException":
		return transport.NotFound
	case "RequestTimeout", "RequestTimeoutException":
		return transport.Unavailable
	}
	return r.Class
}

// plainCode takes the namespace and the address off a code: "com.amazon.coral.service#ThrottlingException:http://...".
func plainCode(code string) string {
	code, _, _ = strings.Cut(code, ":")
	return code[strings.LastIndexByte(code, '#')+1:]
}

// decodeError reads {"__type":"ValidationException","message":"..."}, or the failed entry of a 200.
func decodeError(_ int, body []byte) (code, message string) {
	var a answer
	if json.Unmarshal(body, &a) != nil {
		return "", ""
	}
	if len(a.Entries) == 1 {
		return a.Entries[0].ErrorCode, a.Entries[0].ErrorMessage
	}
	return plainCode(a.Type), a.Message
}
