// Links asks for every address of another server that the pages and the comments of this repository have, and prints those
// that do not answer with success. It needs the Internet, so it is not part of the tests.
//
//	make links
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel/internal/docs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, "../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // there is nothing left to stop
	}
}

// workers is how many pages are asked for at a time.
const workers = 8

func run(ctx context.Context, root string) error {
	links, err := docs.ExternalLinks(root)
	if err != nil {
		return err
	}
	todo := make(chan docs.Link)
	var mu sync.Mutex
	var failed int
	var wg sync.WaitGroup
	client := &http.Client{Timeout: 30 * time.Second}
	for range workers {
		wg.Go(func() {
			for l := range todo {
				if err := docs.Fetch(ctx, client, l); err != nil {
					mu.Lock()
					failed++
					fmt.Println(err)
					mu.Unlock()
				}
			}
		})
	}
	asked := make(map[string]bool)
	for _, l := range links {
		if !asked[l.Target] {
			asked[l.Target] = true
			todo <- l
		}
	}
	close(todo)
	wg.Wait()
	if failed > 0 {
		return fmt.Errorf("%d of %d addresses did not answer with success", failed, len(asked))
	}
	fmt.Println(len(asked), "addresses answered with success")
	return nil
}
