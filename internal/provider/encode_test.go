package provider

import "testing"

func TestEncodeJSON(t *testing.T) {
	got, err := EncodeJSON(map[string]string{"a": "<b> & 障害"})
	if want := `{"a":"<b> & 障害"}`; err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	if _, err := EncodeJSON(func() {}); err == nil {
		t.Error("a function was encoded")
	}
}
