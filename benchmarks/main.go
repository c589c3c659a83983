package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

func main() {
	if os.Getenv(serverProcess) != "" {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	s, err := startServer()
	if err != nil {
		panic(err)
	}
	dir, _ := os.MkdirTemp("", "")
	os.WriteFile(dir+"/cert.pem", []byte(s.Certificate), 0o600)
	os.Setenv("SSL_CERT_FILE", dir+"/cert.pem")
	m := &meter{rounds: 5, turn: 100 * time.Millisecond, connections: s.connections}
	rows, err := messages(m, s)
	if err != nil {
		panic(err)
	}
	for _, r := range rows {
		fmt.Printf("%-28s %-22s wall %.2f cpu %.2f [%.2f %.2f] +allocs %.1f (%.1f) +bytes %.0f conns %.3f raw %.3f p50 %.0f/%.0f p99 %.0f/%.0f cpu %.0f µs\n", r.Case, r.Subject, r.Wall.Median, r.CPU.Median, r.CPU.Low, r.CPU.High, r.Ours.Allocations-r.Base.Allocations, r.Base.Allocations, r.Ours.Bytes-r.Base.Bytes, r.Ours.Connections, r.Base.Connections, r.OursTimes.P50, r.BaseTimes.P50, r.OursTimes.P99, r.BaseTimes.P99, r.Ours.CPU)
	}
	json.NewEncoder(os.Stderr).Encode(rows)
	s.close()
}
