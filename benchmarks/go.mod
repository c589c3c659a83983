module github.com/mackerel-notify/mackerel/benchmarks

go 1.26.0

replace github.com/mackerel-notify/mackerel => ../

require (
	github.com/go-json-experiment/json v1.27.2
	github.com/mackerel-notify/mackerel v0.0.0
)

require (
	github.com/clipperhouse/uax29/v2 v2.7.0 // indirect
	github.com/google/go-querystring v1.2.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.8 // indirect
)
