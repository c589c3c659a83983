package fakehttp

import (
	"net/http"

	"github.com/go-json-experiment/json"
)

// WriteJSON answers with v as JSON. It panics if v cannot be encoded, which is a mistake in the fake.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	body := marshal(v)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only if the client has gone
}

func marshal(v any) []byte {
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic("fakehttp: " + err.Error())
	}
	return body
}
