package eventbridge

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// An answer is that of PutEvents or, with Type and Message, that of a refusal. Entries are in the order of the
// request's.
type answer struct {
	FailedEntryCount *int     `json:"FailedEntryCount"`
	Entries          []result `json:"Entries"`
	Type             string   `json:"__type"`
	Message          string   `json:"message,case:ignore"` // the gateway in front of the service writes "Message"
}

type result struct {
	EventID      string `json:"EventId"`
	ErrorCode    string `json:"ErrorCode"`
	ErrorMessage string `json:"ErrorMessage"`
}

// judge accepts a 200 in which the only entry has an id. An entry that failed was certainly not put. If its code is not
// known, it is sent again, because that cannot put the event twice.
func judge(r *transport.Result) {
	a, ok := decode(r.Body)
	switch {
	case r.Class != transport.Done:
		r.Class = refused(*r, a)
	case !ok || r.Status != http.StatusOK:
		provider.Undocumented(r)
	case a.errorCode() != "":
		r.Class = classOf(a.errorCode(), transport.Unavailable)
	case a.eventID() == "":
		provider.Undocumented(r)
	default:
		r.ID = a.eventID()
	}
}

// settle completes the receipt of an event, which rules and targets get later.
func settle(_ context.Context, _ Message, _ transport.Result, receipt *mackerel.Receipt) error {
	receipt.Queued = true
	return nil
}

// decodeError reads the failed entry of a 200, or {"__type":"ValidationException","message":"..."}.
func decodeError(_ int, body []byte) (code, message string) {
	a, ok := decode(body)
	switch {
	case !ok:
		return "", ""
	case len(a.Entries) == 1:
		return a.Entries[0].ErrorCode, a.Entries[0].ErrorMessage
	}
	return plainCode(a.Type), a.Message
}

func decode(body []byte) (a answer, ok bool) {
	ok = provider.DecodeJSON(body, &a)
	return a, ok
}

// eventID returns the id of the only event, "" if the answer is not the documented success.
func (a answer) eventID() string {
	if a.FailedEntryCount == nil || *a.FailedEntryCount != 0 || len(a.Entries) != 1 || a.Entries[0].ErrorCode != "" {
		return ""
	}
	return a.Entries[0].EventID
}

// errorCode returns the code with which the only entry has failed, "" if the answer is not that.
func (a answer) errorCode() string {
	if a.FailedEntryCount == nil || *a.FailedEntryCount != 1 || len(a.Entries) != 1 {
		return ""
	}
	return a.Entries[0].ErrorCode
}

// refused returns the class of a refusal. AWS answers nearly all with a 400, whose code says more than the status. The
// code of another status counts only if it says that there were too many requests.
func refused(r transport.Result, a answer) transport.Class {
	code := cmp.Or(plainCode(a.Type), plainCode(r.Header.Get("X-Amzn-Errortype")))
	if class := classOf(code, r.Class); r.Class == transport.Invalid || class == transport.RateLimited {
		return class
	}
	return r.Class
}

// classes are the codes of refusals and of entries that failed.
// See https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html and API_PutEventsResultEntry.html.
var classes = map[string]transport.Class{
	"AccessDeniedException":               transport.Unauthorized,
	"ExpiredToken":                        transport.Unauthorized,
	"ExpiredTokenException":               transport.Unauthorized,
	"IncompleteSignature":                 transport.Unauthorized,
	"IncompleteSignatureException":        transport.Unauthorized,
	"InvalidClientTokenId":                transport.Unauthorized,
	"InvalidSignatureException":           transport.Unauthorized,
	"MissingAuthenticationToken":          transport.Unauthorized,
	"MissingAuthenticationTokenException": transport.Unauthorized,
	"NotAuthorized":                       transport.Unauthorized,
	"NotAuthorizedForDetailTypeException": transport.Unauthorized,
	"NotAuthorizedForSourceException":     transport.Unauthorized,
	"OptInRequired":                       transport.Unauthorized,
	"RequestExpired":                      transport.Unauthorized,
	"SignatureDoesNotMatch":               transport.Unauthorized,
	"UnrecognizedClientException":         transport.Unauthorized,
	"InvalidAccountIdException":           transport.Invalid,
	"InvalidArgument":                     transport.Invalid,
	"MalformedDetail":                     transport.Invalid,
	"RedactionFailure":                    transport.Invalid,
	"ResourceNotFoundException":           transport.NotFound,
	"InternalFailure":                     transport.Unavailable,
	"RequestTimeout":                      transport.Unavailable,
	"RequestTimeoutException":             transport.Unavailable,
	"RequestLimitExceeded":                transport.RateLimited,
	"SlowDown":                            transport.RateLimited,
	"TooManyRequestsException":            transport.RateLimited,
}

// classOf returns the class of a code. AWS has several codes with "Throttl" in them, which mean the same.
func classOf(code string, otherwise transport.Class) transport.Class {
	class, known := classes[code]
	switch {
	case known:
		return class
	case strings.Contains(code, "Throttl"):
		return transport.RateLimited
	}
	return otherwise
}

// plainCode takes the namespace and the address off a code: "com.amazon.coral.service#ThrottlingException:http://...".
func plainCode(code string) string {
	code, _, _ = strings.Cut(code, ":")
	return code[strings.LastIndexByte(code, '#')+1:]
}
