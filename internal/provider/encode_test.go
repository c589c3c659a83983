package provider

import (
	"bytes"
	"testing"
)

func TestEncodeJSON(t *testing.T) {
	write := func(v any) ([]byte, error) {
		var b bytes.Buffer
		err := WriteJSON(&b, v)
		return b.Bytes(), err
	}
	for name, encode := range map[string]func(any) ([]byte, error){"EncodeJSON": EncodeJSON, "WriteJSON": write} {
		got, err := encode(map[string]string{"b": "\xff", "a": "<b> & 障害"})
		if want := `{"a":"<b> & 障害","b":"` + "\ufffd" + `"}`; err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, want)
		}
		if _, err := encode(func() {}); err == nil {
			t.Errorf("%s: a function was encoded", name)
		}
	}
}
