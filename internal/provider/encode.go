package provider

import (
	"bytes"
	"encoding/json"
)

// EncodeJSON is v as JSON in which <, > and & stand as they are: what people read stays readable where it is logged, and
// a limit in bytes counts what a reader would.
func EncodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
