module github.com/mackerel-notify/mackerel/internal/oracle

go 1.26.0

require (
	github.com/mackerel-notify/mackerel v0.0.0
	github.com/rivo/uniseg v0.4.7
)

require (
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.8 // indirect
)

replace github.com/mackerel-notify/mackerel => ../..
