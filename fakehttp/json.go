package fakehttp

import (
	"net/http"

	"github.com/go-json-experiment/json"
)

// WriteJSON answers with v as JSON. It panics if v cannot be written: that is a mistake in the fake.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic("fakehttp: WriteJSON: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only if the client has gone
}

// RefuseJSON returns the Refusal that answers with v as JSON. It panics if v cannot be written: that is a mistake in the
// fake.
func RefuseJSON(status int, v any, problem string) *Refusal {
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic("fakehttp: RefuseJSON: " + err.Error())
	}
	return &Refusal{
		Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: string(body), Problem: problem,
	}
}
