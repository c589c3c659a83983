package fakehttp_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

type base struct {
	Name string `json:"name"`
}

type input struct {
	base
	Size    int               `json:"size,omitzero"`
	Ratio   float64           `json:"ratio,omitzero"`
	On      *bool             `json:"on,omitempty"`
	Tags    []string          `json:"tags,omitzero"`
	Words   map[string]string `json:"words,omitzero"`
	Inner   *inner            `json:"inner,omitzero"`
	Any     any               `json:"any,omitzero"`
	Raw     json.RawMessage   `json:"raw,omitzero"`
	When    time.Time         `json:"when,omitzero"`
	Ignored string            `json:"-"`
}

type inner struct {
	ID int64 `json:"id"`
}

func TestUnmarshalJSONReadsWhatIsRight(t *testing.T) {
	text := ` {"name":"n","size":-3,"ratio":1.5,"on":false,"tags":["a","b"],"words":{"k":"v"},"inner":{"id":9007199254740993},` +
		`"any":[null],"raw":{"x":null},"when":"2026-01-01T00:00:00Z"} `
	var got input
	if err := fakehttp.UnmarshalJSON([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	off := false
	want := input{
		base: base{Name: "n"}, Size: -3, Ratio: 1.5, On: &off, Tags: []string{"a", "b"}, Words: map[string]string{"k": "v"},
		Inner: &inner{ID: 9007199254740993}, Any: []any{nil}, Raw: json.RawMessage(`{"x":null}`),
		When: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestUnmarshalJSONRefusesWhatIsNot(t *testing.T) {
	for text, want := range map[string]string{
		``:                           "the body is not JSON",
		`{"name":"n"`:                "the body is not JSON",
		`{"name":"n"} {}`:            "the body is not JSON",
		"{\"name\":\"\xff\"}":        "the body is not UTF-8",
		`[]`:                         "the body is not a JSON object",
		`null`:                       "the body is not a JSON object",
		`{}`:                         "name is required",
		`{"Name":"n"}`:               "Name is unknown",
		`{"name":"n","Ignored":"x"}`: "Ignored is unknown",
		`{"name":"n","base":{}}`:     "base is unknown",
		`{"name":"n","name":"m"}`:    "name is given twice",
		`{"name":null}`:              "name must be a string",
		`{"name":1}`:                 "name must be a string",
		`{"name":"n","size":"1"}`:    "size must be an integer",
		`{"name":"n","size":1.5}`:    "size must be an integer",
		`{"name":"n","size":99999999999999999999}`: "size must be an integer",
		`{"name":"n","ratio":"1"}`:                 "ratio must be a number",
		`{"name":"n","on":null}`:                   "on must be a boolean",
		`{"name":"n","on":0}`:                      "on must be a boolean",
		`{"name":"n","tags":null}`:                 "tags must be an array",
		`{"name":"n","tags":["a",1]}`:              "tags[1] must be a string",
		`{"name":"n","words":[]}`:                  "words must be an object",
		`{"name":"n","words":{"a":1}}`:             "words.a must be a string",
		`{"name":"n","words":{"a":"","a":""}}`:     "words.a is given twice",
		`{"name":"n","inner":{}}`:                  "inner.id is required",
		`{"name":"n","inner":{"id":1,"x":2}}`:      "inner.x is unknown",
		`{"name":"n","inner":null}`:                "inner must be an object",
		`{"name":"n","when":"today"}`:              "when is invalid",
	} {
		var v input
		err := fakehttp.UnmarshalJSON([]byte(text), &v)
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
		field, _, named := strings.Cut(want, " ")
		var wrong *fakehttp.FieldError
		if named = named && field != "the"; errors.As(err, &wrong) != named || named && wrong.Field != field {
			t.Errorf("%s: the error is %#v, want it to name %q", text, err, field)
		}
	}
}

func TestMembersKeepsOrderAndText(t *testing.T) {
	members, err := fakehttp.Members([]byte(` {"b": 1.0, "a":{"x" : null},"":[ ]} `))
	if err != nil {
		t.Fatal(err)
	}
	want := []fakehttp.Member{
		{Name: "b", Value: json.RawMessage("1.0")}, {Name: "a", Value: json.RawMessage(`{"x" : null}`)}, {Name: "", Value: json.RawMessage("[ ]")},
	}
	if !reflect.DeepEqual(members, want) {
		t.Errorf("got %s, want %s", members, want)
	}
	for _, text := range []string{"", "1", "[]", "{", `{"a":1,"a":1}`, "{} {}"} {
		if m, err := fakehttp.Members([]byte(text)); err == nil {
			t.Errorf("%q: got %v, want an error", text, m)
		}
	}
}

func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[{"c":null}]}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		members, err := fakehttp.Members(data)
		var want map[string]json.RawMessage
		if err != nil {
			return
		}
		if err := json.Unmarshal(data, &want); err != nil || len(want) != len(members) {
			t.Fatalf("%q: %d members; encoding/json has %d, %v", data, len(members), len(want), err)
		}
		for _, m := range members {
			if string(want[m.Name]) != string(m.Value) {
				t.Errorf("%q: member %q is %s; encoding/json has %s", data, m.Name, m.Value, want[m.Name])
			}
		}
	})
}

func request(contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/?q=1&r=2", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

func TestTheContentTypeMustBeRight(t *testing.T) {
	var v base
	if err := fakehttp.DecodeJSON(request("application/json; charset=utf-8", `{"name":"n"}`), &v); err != nil || v.Name != "n" {
		t.Errorf("got %+v, %v", v, err)
	}
	for _, wrong := range []string{"", "text/plain", "application/json;;"} {
		if err := fakehttp.DecodeJSON(request(wrong, `{"name":"n"}`), &v); !errors.Is(err, fakehttp.ErrContentType) {
			t.Errorf("JSON as %q: got %v, want ErrContentType", wrong, err)
		}
		if _, err := fakehttp.DecodeForm(request(wrong, "a=1"), "a"); !errors.Is(err, fakehttp.ErrContentType) {
			t.Errorf("form as %q: got %v, want ErrContentType", wrong, err)
		}
	}
	if form, err := fakehttp.DecodeForm(request("", ""), "a"); err != nil || form.Has("a") {
		t.Errorf("no body: got %v, %v; want an empty form", form, err)
	}
}

func TestDecodeFormRefusesWhatWasNotAskedFor(t *testing.T) {
	for body, want := range map[string]string{
		"a=1&b=%26": "",
		"":          "",
		"c=1":       "c is unknown",
		"A=1":       "A is unknown",
		"a=1&a=2":   "a is given twice",
		"a=%ff":     "a is not UTF-8",
		"a=%zz":     "malformed form encoding",
		"a=1;b=2":   "malformed form encoding",
		"d=1&c=1":   "c is unknown",
	} {
		form, err := fakehttp.DecodeForm(request("application/x-www-form-urlencoded", body), "a", "b")
		if want == "" && (err != nil || body != form.Encode()) {
			t.Errorf("%q: got %v, %v", body, form, err)
		}
		if want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%q: got %v, want %q", body, err, want)
		}
	}
}

func TestDecodeQuery(t *testing.T) {
	if query, err := fakehttp.DecodeQuery(request("", ""), "q", "r", "s"); err != nil || query.Encode() != "q=1&r=2" {
		t.Errorf("got %v, %v", query, err)
	}
	if _, err := fakehttp.DecodeQuery(request("", ""), "q"); err == nil || err.Error() != "r is unknown" {
		t.Errorf("got %v, want that r is unknown", err)
	}
}

func TestWriteJSON(t *testing.T) {
	w := httptest.NewRecorder()
	fakehttp.WriteJSON(w, http.StatusTeapot, map[string]any{"a": "<&>", "raw": json.RawMessage(`{"b": "<"}`)})
	if got, want := w.Body.String(), `{"a":"<&>","raw":{"b":"<"}}`; got != want || w.Code != 418 || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got %d %s %s, want %s", w.Code, w.Header().Get("Content-Type"), got, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("what cannot be written was written")
		}
	}()
	fakehttp.WriteJSON(w, http.StatusOK, func() {})
}

func TestWindow(t *testing.T) {
	w := fakehttp.NewWindow(2, 10*time.Second)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, tt := range []struct {
		key       string
		at        time.Duration
		remaining int
		reset     time.Duration
		ok        bool
	}{
		{"a", 0, 1, 10 * time.Second, true},
		{"a", 3 * time.Second, 0, 10 * time.Second, true},
		{"a", 9999 * time.Millisecond, 0, 10 * time.Second, false},
		{"b", 9999 * time.Millisecond, 1, 19999 * time.Millisecond, true}, // a window of its own
		{"a", 10 * time.Second, 1, 20 * time.Second, true},                // the next begins
		{"a", time.Hour, 1, time.Hour + 10*time.Second, true},             // with the first request in it
	} {
		remaining, reset, ok := w.Take(tt.key, start.Add(tt.at))
		if remaining != tt.remaining || !reset.Equal(start.Add(tt.reset)) || ok != tt.ok {
			t.Errorf("take %d: got %d, %v, %v; want %d, %v, %v", i, remaining, reset.Sub(start), ok, tt.remaining, tt.reset, tt.ok)
		}
	}
	if remaining, _, ok := fakehttp.NewWindow(0, time.Second).Take("a", start); ok || remaining != 0 {
		t.Errorf("a limit of 0: got %d, %v; want a refusal", remaining, ok)
	}
}
