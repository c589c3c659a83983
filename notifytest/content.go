package notifytest

import (
	"encoding/json"
	"mime"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// content returns the texts that requests carry to people, decoded: the query and, of a form or JSON, keys and values.
// JSON within a form or within JSON is decoded, too. What cannot be decoded stays as it is.
func content(requests []fakehttp.Request) string {
	var b strings.Builder
	for _, r := range requests {
		encoded(r.Query).write(&b)
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // an odd one is none of those below
		if kind == "application/x-www-form-urlencoded" {
			encoded(r.Body).write(&b)
			continue
		}
		text(r.Body).write(&b)
	}
	return b.String()
}

// encoded is text in a form's encoding.
type encoded string

func (e encoded) write(b *strings.Builder) {
	values, err := url.ParseQuery(string(e))
	if err != nil {
		b.WriteString(string(e))
		return
	}
	for key, all := range values {
		b.WriteString(key + "\n")
		for _, v := range all {
			text(v).write(b)
		}
	}
}

// text is text that may be JSON.
type text string

func (t text) write(b *strings.Builder) {
	var v any
	// Decoding would hide what is not UTF-8.
	if !utf8.ValidString(string(t)) || !strings.ContainsAny(t.first(), "{[") || json.Unmarshal([]byte(t), &v) != nil {
		b.WriteString(string(t) + "\n")
		return
	}
	writeJSON(b, v)
}

// first is the first character but for white space, "" if there is none.
func (t text) first() string {
	s := strings.TrimLeft(string(t), " \t\r\n")
	return s[:min(1, len(s))]
}

func writeJSON(b *strings.Builder, v any) {
	switch v := v.(type) {
	case string:
		text(v).write(b)
	case []any:
		for _, e := range v {
			writeJSON(b, e)
		}
	case map[string]any:
		for key, e := range v {
			b.WriteString(key + "\n")
			writeJSON(b, e)
		}
	}
}
