package benchmarks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
)

// channelCount is how many channels a list has.
const channelCount = 1000

// mixes are lists of channels: the channels of a list go through the types of its mix.
var mixes = []struct {
	name  string
	types []mackerel.ChannelType
}{
	{"every type", []mackerel.ChannelType{
		mackerel.ChannelTypeEmail, mackerel.ChannelTypeEmailBroadcast, mackerel.ChannelTypeSlack,
		mackerel.ChannelTypeWebhook, mackerel.ChannelTypeChatwork, mackerel.ChannelTypeHipChat,
		mackerel.ChannelTypeLine, mackerel.ChannelTypeTypetalk, mackerel.ChannelTypeTwilio,
		mackerel.ChannelTypePagerDuty, mackerel.ChannelTypeOpsgenie, mackerel.ChannelTypeJSM,
		mackerel.ChannelTypeTeams, mackerel.ChannelTypeEventBridge, mackerel.ChannelTypeReactio,
		mackerel.ChannelTypeYammer,
	}},
	// Every second channel has members besides those that every channel has.
	{"half with details", []mackerel.ChannelType{
		mackerel.ChannelTypeEmail, mackerel.ChannelTypeChatwork, mackerel.ChannelTypeSlack, mackerel.ChannelTypeTwilio,
		mackerel.ChannelTypeWebhook, mackerel.ChannelTypeTeams,
	}},
}

// A codec is one version of encoding/json.
type codec struct {
	name      string
	unmarshal func([]byte, any) error
	marshal   func(any) ([]byte, error)
	peek      func(codec, []byte) ([]peekedChannel, error)
}

// codecs are encoding/json and its second version.
var codecs = []codec{
	{"v1", json.Unmarshal, json.Marshal, peekChannels[json.RawMessage]},
	{
		"v2",
		func(b []byte, v any) error { return jsonv2.Unmarshal(b, v) },
		func(v any) ([]byte, error) { return jsonv2.Marshal(v) },
		peekChannels[jsontext.Value],
	},
}

// BenchmarkDecodeChannels compares Channel, which loses nothing, with types that lose members; see rivals_test.go.
func BenchmarkDecodeChannels(b *testing.B) {
	eachList(b, func(b *testing.B, c codec, list []byte) {
		compare(b, 1, 1,
			candidate{"ours", func() error { return decode(c.unmarshal, list, new([]mackerel.Channel)) }},
			candidate{"flat", func() error { return decode(c.unmarshal, list, new([]*flatChannel)) }},
			candidate{"client-go", func() error { return decode(c.unmarshal, list, new([]*clientChannel)) }},
			candidate{"peek", func() error {
				channels, err := c.peek(c, list)
				return checkCount(len(channels), err)
			}},
		)
	})
}

// BenchmarkEncodeChannels encodes what BenchmarkDecodeChannels decodes.
func BenchmarkEncodeChannels(b *testing.B) {
	eachList(b, func(b *testing.B, c codec, list []byte) {
		var ours []mackerel.Channel
		var flat []*flatChannel
		var client []*clientChannel
		peeked, err := c.peek(c, list)
		err = errors.Join(
			err, decode(c.unmarshal, list, &ours), decode(c.unmarshal, list, &flat), decode(c.unmarshal, list, &client),
		)
		if err != nil {
			b.Fatal(err)
		}
		compare(b, 1, 1,
			candidate{"ours", func() error { return encode(c.marshal, ours) }},
			candidate{"flat", func() error { return encode(c.marshal, flat) }},
			candidate{"client-go", func() error { return encode(c.marshal, client) }},
			candidate{"peek", func() error { return encode(c.marshal, peeked) }},
		)
	})
}

// eachList runs a benchmark for each mix and each codec.
func eachList(b *testing.B, run func(b *testing.B, c codec, list []byte)) {
	for _, mix := range mixes {
		list := channelList(b, mix.types)
		for _, c := range codecs {
			b.Run(mix.name+"/"+c.name, func(b *testing.B) { run(b, c, list) })
		}
	}
}

// channelList returns the JSON of a list of channels as Mackerel answers it. Each channel has an ID of its own.
func channelList(b *testing.B, types []mackerel.ChannelType) []byte {
	b.Helper()
	var list bytes.Buffer
	for i := range channelCount {
		payload, err := os.ReadFile("../testdata/channels/" + string(types[i%len(types)]) + ".json")
		if err != nil {
			b.Fatal(err)
		}
		_, members, found := bytes.Cut(bytes.TrimSpace(payload), []byte(",")) // all but the first member, the ID
		if !found {
			b.Fatalf("no members in %s", payload)
		}
		fmt.Fprintf(&list, `,{"id":"4AbCd%06d",%s`, i, members)
	}
	list.WriteByte(']')
	list.Bytes()[0] = '['
	return list.Bytes()
}

func decode[T any](unmarshal func([]byte, any) error, list []byte, channels *[]T) error {
	err := unmarshal(list, channels)
	return checkCount(len(*channels), err)
}

func checkCount(n int, err error) error {
	if err == nil && n != channelCount {
		err = fmt.Errorf("%d channels", n)
	}
	return err
}

func encode(marshal func(any) ([]byte, error), channels any) error {
	_, err := marshal(channels)
	return err
}
