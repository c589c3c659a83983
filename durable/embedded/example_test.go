package embedded_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
	"github.com/mackerel-notify/mackerel/durable/embedded"
)

// A program stores an alert and ends. The next process delivers it.
func Example() {
	dir, err := os.MkdirTemp("", "embedded")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	config := embedded.Config{Dir: filepath.Join(dir, "store"), Store: durable.Config{MaxBytes: 16 << 20}}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := storeAlert(ctx, config); err != nil {
		fmt.Println(err)
	}
	phone := mackerel.NotifierFunc(func(_ context.Context, a mackerel.Alert) error {
		fmt.Println("delivered:", a.Message)
		cancel()
		return nil
	})
	if err := deliver(ctx, config, phone); err != nil {
		fmt.Println(err)
	}
	// Output:
	// stored
	// delivered: the disk of db01 is full
}

func storeAlert(ctx context.Context, config embedded.Config) error {
	s, err := embedded.Start(ctx, config)
	if err != nil {
		return err
	}
	queue, err := s.Store().Queue("phone")
	if err != nil {
		return err
	}
	if err := queue.Notify(ctx, mackerel.Alert{Message: "the disk of db01 is full"}); err != nil {
		return err
	}
	fmt.Println("stored")
	return s.Close()
}

func deliver(ctx context.Context, config embedded.Config, phone mackerel.Notifier) error {
	s, err := embedded.Start(ctx, config)
	if err != nil {
		return err
	}
	worker, err := s.Store().NewWorker(durable.WorkerConfig{Queue: "phone", Notifier: phone})
	if err != nil {
		return err
	}
	if err := worker.Run(ctx); err != nil { // until ctx ends
		return err
	}
	return s.Close()
}
