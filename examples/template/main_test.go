package main

import (
	"strings"
	"testing"
)

func TestTheTemplateWordsTheMessage(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"[/title]CPU % needs you, on app01.", "[/title]CPU % is fine again, on app01."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, &out)
		}
	}
}

func TestABadTemplateIsFoundAtTheStart(t *testing.T) {
	for _, text := range []string{"{{.Monitor.Title}}", "{{if}}"} {
		if _, err := templated(text); err == nil {
			t.Errorf("%s was accepted", text)
		}
	}
}
