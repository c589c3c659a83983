package transport

import "net/http"

// ownHeaders are made by the transport itself, from the URL, the body and the options; set by hand they would be ignored
// or break the request.
var ownHeaders = map[string]bool{
	"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Connection": true, "Trailer": true, "Upgrade": true,
	"Te": true, "Keep-Alive": true, "Proxy-Connection": true, "Expect": true, "Accept-Encoding": true, "User-Agent": true,
}

// HeaderProblem says why a header of the caller's own cannot be sent, "" if it can. It does not quote the value.
func HeaderProblem(name, value string) string {
	switch {
	case !validHeaderName(name):
		return "not a header's name"
	case ownHeaders[http.CanonicalHeaderKey(name)]:
		return "a header that cannot be chosen here"
	case !validHeaderValue(value):
		return "has a control character"
	}
	return ""
}
