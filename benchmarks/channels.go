package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

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
	{"JSON v1", json.Unmarshal, json.Marshal, peekChannels[json.RawMessage]},
	{
		"JSON v2",
		func(b []byte, v any) error { return jsonv2.Unmarshal(b, v) },
		func(v any) ([]byte, error) { return jsonv2.Marshal(v) },
		peekChannels[jsontext.Value],
	},
}

// channels compares Channel, which loses nothing, with types that lose members; see shapes.go. Each contest has another
// base, and the subject is always Channel.
func channels(m *meter, root string) ([]Row, error) {
	var contests []contest
	for _, mix := range mixes {
		list, err := channelList(root, mix.types)
		if err != nil {
			return nil, err
		}
		for _, c := range codecs {
			some, err := channelContests(mix.name+", "+c.name, c, list)
			if err != nil {
				return nil, err
			}
			contests = append(contests, some...)
		}
	}
	return m.run(contests)
}

// channelContests decode a list of channels, and encode what was decoded.
func channelContests(mix string, c codec, list []byte) ([]contest, error) {
	var ours []mackerel.Channel
	var flat []*flatChannel
	var client []*clientChannel
	peeked, err := c.peek(c, list)
	err = errors.Join(
		err, decode(c.unmarshal, list, &ours), decode(c.unmarshal, list, &flat), decode(c.unmarshal, list, &client),
	)
	decodeOurs := plain(func() error { return decode(c.unmarshal, list, new([]mackerel.Channel)) })
	encodeOurs := plain(func() error { return encode(c.marshal, ours) })
	contests := []contest{
		{Case: "decode", Subject: "flat struct", subject: decodeOurs, base: plain(func() error {
			return decode(c.unmarshal, list, new([]*flatChannel))
		})},
		{Case: "decode", Subject: "as mackerel-client-go", subject: decodeOurs, base: plain(func() error {
			return decode(c.unmarshal, list, new([]*clientChannel))
		})},
		{Case: "decode", Subject: "peek at the type", subject: decodeOurs, base: plain(func() error {
			channels, err := c.peek(c, list)
			return checkCount(len(channels), err)
		})},
		{Case: "encode", Subject: "flat struct", subject: encodeOurs, base: plain(func() error { return encode(c.marshal, flat) })},
		{Case: "encode", Subject: "as mackerel-client-go", subject: encodeOurs, base: plain(func() error {
			return encode(c.marshal, client)
		})},
		{Case: "encode", Subject: "peek at the type", subject: encodeOurs, base: plain(func() error {
			return encode(c.marshal, peeked)
		})},
	}
	for i := range contests {
		contests[i].Part, contests[i].workers, contests[i].each = "channels", 1, channelCount
		contests[i].Case += ", " + mix
	}
	return contests, err
}

// plain makes a send of work that needs no context.
func plain(f func() error) send { return func(context.Context) error { return f() } }

// channelList returns the JSON of a list of channels as Mackerel answers it. Each channel has an ID of its own.
func channelList(root string, types []mackerel.ChannelType) ([]byte, error) {
	var list bytes.Buffer
	for i := range channelCount {
		payload, err := os.ReadFile(filepath.Join(root, "testdata/channels", string(types[i%len(types)])+".json"))
		if err != nil {
			return nil, err
		}
		_, members, found := bytes.Cut(bytes.TrimSpace(payload), []byte(",")) // all but the first member, the ID
		if !found {
			return nil, fmt.Errorf("no members in %s", payload)
		}
		fmt.Fprintf(&list, `,{"id":"4AbCd%06d",%s`, i, members)
	}
	list.WriteByte(']')
	list.Bytes()[0] = '['
	return list.Bytes(), nil
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
