package provider

import (
	"errors"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
)

func TestProperties(t *testing.T) {
	for _, c := range []struct {
		name  string
		facts []mackerel.Fact
		want  string
	}{
		{"none are an empty object", nil, `{}`},
		{"they stay in order", []mackerel.Fact{{Label: "b", Value: "1"}, {Label: "a", Value: "2"}}, `{"b":"1","a":"2"}`},
		{"a label that comes twice is one member", []mackerel.Fact{{Label: "a", Value: "1"}, {Label: "b", Value: "2"}, {Label: "a", Value: "3"}, {Label: "a", Value: "4"}}, `{"a":"1\n3\n4","b":"2"}`},
		{"labels that become the same are one member", []mackerel.Fact{{Label: "a\xff", Value: "1"}, {Label: "a\uFFFD", Value: "2"}}, `{"a` + "\uFFFD" + `":"1\n2"}`},
		{"what has no value is left out", []mackerel.Fact{{Label: "a"}, {}}, `{}`},
		{"what has no value adds no line", []mackerel.Fact{{Label: "a"}, {Label: "a", Value: "1"}, {Label: "a"}}, `{"a":"1"}`},
		{"what has no label gets one", []mackerel.Fact{{Value: "1"}}, `{"info":"1"}`},
		{"quotes and braces stay text", []mackerel.Fact{{Label: `"}`, Value: `</b>","x":"y`}}, `{"\"}":"</b>\",\"x\":\"y"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := EncodeJSON(NewProperties(c.facts))
			if err != nil || string(got) != c.want {
				t.Errorf("%s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestTheFirstErrorOfPropertiesIsReturned(t *testing.T) {
	_, err := json.Marshal(Properties{{Label: "a", Value: "1"}, {Label: "a", Value: "2"}, {Label: "b", Value: "3"}})
	if !errors.Is(err, jsontext.ErrDuplicateName) {
		t.Errorf("got %v", err)
	}
}

func TestPropertiesThatWereCutToNothingAreLeftOut(t *testing.T) {
	p := NewProperties([]mackerel.Fact{{Label: "a", Value: "1"}, {Label: "b", Value: "2"}})
	p[0].Value = ""
	got, err := EncodeJSON(p)
	if want := `{"b":"2"}`; err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}
