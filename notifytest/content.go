package notifytest

import (
	"encoding/json"
	"mime"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// content returns the texts in the queries and bodies of requests, decoded, a line each: keys and values of forms and
// of JSON, also of JSON inside a string. Text that cannot be decoded stays as it is.
func content(requests []fakehttp.Request) string {
	var b strings.Builder
	for _, r := range requests {
		writeForm(&b, r.Query)
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // "" if it is malformed
		if kind == "application/x-www-form-urlencoded" {
			writeForm(&b, string(r.Body))
		} else {
			writeText(&b, string(r.Body))
		}
	}
	return b.String()
}

func writeForm(b *strings.Builder, encoded string) {
	values, err := url.ParseQuery(encoded)
	if err != nil {
		b.WriteString(encoded + "\n")
		return
	}
	for key, all := range values {
		b.WriteString(key + "\n")
		for _, v := range all {
			writeText(b, v)
		}
	}
}

// writeText writes a text, or the texts inside it if it is a JSON object or array.
func writeText(b *strings.Builder, text string) {
	var v any
	trimmed := strings.TrimLeft(text, " \t\r\n")
	structured := strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[")
	// json.Unmarshal would replace what is not UTF-8, and so hide it.
	if structured && utf8.ValidString(text) && json.Unmarshal([]byte(text), &v) == nil {
		writeJSON(b, v)
		return
	}
	b.WriteString(text + "\n")
}

func writeJSON(b *strings.Builder, v any) {
	switch v := v.(type) {
	case string:
		writeText(b, v)
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
