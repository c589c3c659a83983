package mackerel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// A flatChannel is a channel as most clients have it: the members of every kind in one struct, pointers for what may be
// absent, anything else lost. It is what the walk over the members is measured against.
type flatChannel struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Type        string    `json:"type"`
	SuspendedAt *int64    `json:"suspendedAt"`
	Emails      *[]string `json:"emails"`
	UserIDs     *[]string `json:"userIds"`
	Mentions    struct {
		OK       string `json:"ok"`
		Warning  string `json:"warning"`
		Critical string `json:"critical"`
	} `json:"mentions"`
	EnabledGraphImage *bool     `json:"enabledGraphImage"`
	URL               string    `json:"url"`
	Events            *[]string `json:"events"`
}

// benchList is a list of n channels that go through the given types, as the server sends them.
func benchList(b *testing.B, n int, types ...ChannelType) []byte {
	payloads := channelPayloads(b)
	var list bytes.Buffer
	separator := byte('[')
	for i := range n {
		list.WriteByte(separator)
		separator = ','
		payload := bytes.TrimSpace(payloads[string(types[i%len(types)])])
		id := fmt.Appendf(nil, `"id":"4AbCd%06d"`, i)
		list.Write(append(append([]byte{'{'}, id...), payload[bytes.IndexByte(payload, ','):]...))
	}
	list.WriteByte(']')
	return list.Bytes()
}

// BenchmarkDecodeChannels decodes 1,000 channels without loss, and in turn with it, and reports the medians of both times
// and of the first divided by the second: on a busy machine they hold still where sums do not.
func BenchmarkDecodeChannels(b *testing.B) {
	for name, types := range map[string][]ChannelType{
		"every type":          channelTypes,
		"half with a payload": {ChannelTypeEmail, ChannelTypeChatwork, ChannelTypeSlack, ChannelTypeTwilio, ChannelTypeWebhook, ChannelTypeTeams},
	} {
		b.Run(name, func(b *testing.B) {
			list := benchList(b, 1000, types...)
			var lossless, flat, ratio []float64
			for b.Loop() {
				l, f := timeDecoding[Channel](b, list), timeDecoding[*flatChannel](b, list)
				lossless, flat, ratio = append(lossless, float64(l)), append(flat, float64(f)), append(ratio, float64(l)/float64(f))
			}
			b.ReportMetric(median(lossless), "lossless-ns/op")
			b.ReportMetric(median(flat), "flat-ns/op")
			b.ReportMetric(median(ratio), "lossless/flat")
		})
	}
}

func timeDecoding[T any](b *testing.B, list []byte) time.Duration {
	start := time.Now()
	var channels []T
	if err := json.Unmarshal(list, &channels); err != nil || len(channels) != 1000 {
		b.Fatal(len(channels), err)
	}
	return time.Since(start)
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
