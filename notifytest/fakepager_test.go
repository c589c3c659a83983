package notifytest_test

import (
	"net/http"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A fakePager is the service that a Pager talks to, on a good day.
type fakePager struct {
	key   string
	drops bool // it drops pages that it has

	mu    sync.Mutex
	pages []page
}

// Accepted returns how many pages the service took.
func (f *fakePager) Accepted() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.pages)
}

func (f *fakePager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var p page
	switch err := json.UnmarshalRead(r.Body, &p); {
	case r.Method != http.MethodPost || r.URL.Path != "/page":
		w.WriteHeader(http.StatusNotFound)
	case r.Header.Get("Authorization") != "Bearer "+f.key:
		w.WriteHeader(http.StatusUnauthorized)
	case err != nil || p.Text == "" || !utf8.ValidString(p.Text) || utf8.RuneCountInString(p.Text) > maxPageRunes:
		w.WriteHeader(http.StatusBadRequest)
	default:
		f.keep(p)
		fakehttp.WriteJSON(w, http.StatusOK, map[string]bool{"accepted": true})
	}
}

func (f *fakePager) keep(p page) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, old := range f.pages {
		if f.drops && old.ID == p.ID {
			return
		}
	}
	f.pages = append(f.pages, p)
}
