package fakehttp

import (
	"net/http"

	"github.com/go-json-experiment/json"
)

// WriteJSON answers with v as JSON. It panics if v cannot be written: that is a mistake in the fake.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(encode(v)) // fails only if the client has gone
}

// RefuseJSON returns a refusal whose body is v as JSON. It panics if v cannot be written, as WriteJSON does.
func RefuseJSON(status int, v any, problem string) *Refusal {
	return &Refusal{
		Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: string(encode(v)), Problem: problem,
	}
}

const contentType = "application/json"

func encode(v any) []byte {
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic("fakehttp: " + err.Error())
	}
	return body
}
