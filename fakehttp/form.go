package fakehttp

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"
)

// DecodeForm reads a request's form body. A Content-Type other than application/x-www-form-urlencoded is ErrContentType,
// unless there is no body. A key that is not among the allowed, or comes twice, is a [*FieldError]. The query is not
// looked at: see [DecodeQuery].
func DecodeForm(r *http.Request, allowed ...string) (url.Values, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return url.Values{}, nil
	}
	if err := checkContentType(r, "application/x-www-form-urlencoded"); err != nil {
		return nil, err
	}
	return values(string(body), allowed)
}

// DecodeQuery reads a request's query as DecodeForm reads a body.
func DecodeQuery(r *http.Request, allowed ...string) (url.Values, error) {
	return values(r.URL.RawQuery, allowed)
}

func values(encoded string, allowed []string) (url.Values, error) {
	form, err := url.ParseQuery(encoded)
	if err != nil {
		return nil, errors.New("malformed form encoding")
	}
	for _, key := range slices.Sorted(maps.Keys(form)) {
		switch v := form[key]; {
		case !slices.Contains(allowed, key):
			return nil, &FieldError{key, "is unknown"}
		case len(v) > 1:
			return nil, &FieldError{key, "is given twice"}
		case !utf8.ValidString(v[0]):
			return nil, &FieldError{key, "is not UTF-8"}
		}
	}
	return form, nil
}
