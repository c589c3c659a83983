package strict_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/internal/strict"
)

type input struct {
	Name  string            `json:"name"`
	Size  int               `json:"size"`
	Ratio float64           `json:"ratio"`
	On    *bool             `json:"on"`
	Tags  []string          `json:"tags"`
	Words map[string]string `json:"words"`
	Inner *struct {
		ID int64 `json:"id"`
	} `json:"inner"`
	When time.Time `json:"when"`
}

func post(contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/?a=1&b=2&a=3", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

func TestJSON(t *testing.T) {
	var got input
	body := `{"name":"n","size":-3,"on":false,"tags":["a"],"words":null,"inner":{"id":9007199254740993},"when":"2026-01-01T00:00:00Z","x":1}`
	if err := strict.JSON(post("application/json; charset=utf-8", body), &got, true); err != nil {
		t.Fatal(err)
	}
	if got.Name != "n" || got.Size != -3 || *got.On || got.Tags[0] != "a" || got.Words != nil || got.Inner.ID != 9007199254740993 {
		t.Errorf("got %+v", got)
	}
	if err := strict.JSON(post("text/plain", "{}"), &got, true); !errors.Is(err, strict.ErrContentType) {
		t.Errorf("text/plain: %v", err)
	}
}

func TestJSONThatIsRefused(t *testing.T) {
	for body, want := range map[string]string{
		``:                              "the body is not JSON in UTF-8",
		`{"name":"n"`:                   "the body is not JSON in UTF-8",
		`{"name":"n"} {}`:               "the body is not JSON in UTF-8",
		"{\"name\":\"\xff\"}":           "the body is not JSON in UTF-8",
		`[]`:                            "the body is not a JSON object",
		`{"Name":"n"}`:                  "Name is unknown",
		`{"inner":{"id":1,"x":2}}`:      "inner.x is unknown",
		`{"name":"n","name":"m"}`:       "name is given twice",
		`{"words":{"a":"","a":""}}`:     "words.a is given twice",
		`{"name":1}`:                    "name must be a string",
		`{"size":"1"}`:                  "size must be an integer",
		`{"size":1.5}`:                  "size must be an integer",
		`{"size":99999999999999999999}`: "size must be an integer",
		`{"ratio":"1"}`:                 "ratio must be a number",
		`{"on":0}`:                      "on must be a boolean",
		`{"tags":{}}`:                   "tags must be an array",
		`{"tags":["a",1]}`:              "tags[1] must be a string",
		`{"words":[]}`:                  "words must be an object",
		`{"words":{"a":1}}`:             "words.a must be a string",
		`{"inner":1}`:                   "inner must be an object",
		`{"when":"today"}`:              "when is invalid",
	} {
		err := strict.Unmarshal([]byte(body), new(input), false)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
		field, _, _ := strings.Cut(want, " ")
		if wrong := (*strict.FieldError)(nil); field != "the" && (!errors.As(err, &wrong) || wrong.Field != field) {
			t.Errorf("%s: the error is %#v", body, err)
		}
	}
}

func TestForms(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, contentType, body string
		unknown                 bool
		want                    string // the error, "" if there is none
	}{
		{"known keys are read", form, "a=%E9%9A%9C&b=", false, ""},
		{"no body has no type", "", "", false, ""},
		{"an unknown key is refused", form, "a=1&c=2", false, "c is unknown"},
		{"an unknown key is ignored, also twice", form, "a=1&c=2&c=3", true, ""},
		{"a key twice is refused", form, "a=1&a=2", true, "a is given twice"},
		{"other bytes than UTF-8 are refused", form, "a=%FF", false, "a is not UTF-8"},
		{"a malformed form is refused", form, "a=%zz", false, "malformed form encoding"},
		{"another type is refused", "text/plain", "a=1", false, "wrong Content-Type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := strict.Form(post(c.contentType, c.body), c.unknown, "a", "b")
			if c.want != "" {
				if err == nil || !strings.HasPrefix(err.Error(), c.want) {
					t.Errorf("%v, want %q", err, c.want)
				}
				return
			}
			if err != nil || c.body != "" && got.Get("a") == "" {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	if _, err := strict.Query(post("", ""), false, "a", "b"); err == nil || err.Error() != "a is given twice" {
		t.Errorf("the query: %v", err)
	}
	if q, err := strict.Query(post("", ""), true, "b"); err != nil || q.Get("b") != "2" {
		t.Errorf("the query: %v, %v", q, err)
	}
}
