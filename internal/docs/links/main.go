// Links asks for every address of another server that the pages and the comments of this repository have, and prints those
// that do not answer with success. It needs the Internet, so it is not part of the tests.
//
//	make links
package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
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
	slices.SortFunc(links, func(a, b docs.Link) int { return cmp.Compare(a.Target, b.Target) })
	links = slices.CompactFunc(links, func(a, b docs.Link) bool { return a.Target == b.Target })
	if failed := fetchAll(ctx, links); failed > 0 {
		return fmt.Errorf("%d of %d addresses did not answer with success", failed, len(links))
	}
	fmt.Println(len(links), "addresses answered with success")
	return nil
}

// fetchAll asks for all links, prints the failures, and returns how many there are.
func fetchAll(ctx context.Context, links []docs.Link) int64 {
	client := &http.Client{Timeout: 30 * time.Second}
	var failed, next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(links)); i = next.Add(1) - 1 {
				if err := docs.Fetch(ctx, client, links[i]); err != nil {
					failed.Add(1)
					fmt.Println(err)
				}
			}
		})
	}
	wg.Wait()
	return failed.Load()
}
