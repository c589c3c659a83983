package main

import "fmt"

// A flatChannel has the members of every type of channel in one struct, with pointers for what may be absent. Members
// that it does not have are lost. Absent members are encoded as null.
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

// A clientChannel is a flatChannel that leaves out what is absent, as mackerel-client-go has channels
// (https://github.com/mackerelio/mackerel-client-go).
type clientChannel struct {
	ID          string    `json:"id,omitempty"`
	Name        string    `json:"name"`
	Type        string    `json:"type"`
	SuspendedAt *int64    `json:"suspendedAt,omitempty"`
	Emails      *[]string `json:"emails,omitempty"`
	UserIDs     *[]string `json:"userIds,omitempty"`
	Mentions    struct {
		OK       string `json:"ok,omitempty"`
		Warning  string `json:"warning,omitempty"`
		Critical string `json:"critical,omitempty"`
	} `json:"mentions,omitempty"`
	EnabledGraphImage *bool     `json:"enabledGraphImage,omitempty"`
	URL               string    `json:"url,omitempty"`
	Events            *[]string `json:"events,omitempty"`
}

// A peekedChannel is a channel as mackerel-client-go has monitors: an interface with a type for each kind. The type in
// the JSON decides which. Members that a kind does not have are lost, and an unknown type is an error.
type peekedChannel interface{ channelType() string }

type channelHead struct {
	ID          string `json:"id,omitempty"`
	Name        string `json:"name"`
	Type        string `json:"type"`
	SuspendedAt *int64 `json:"suspendedAt,omitempty"`
}

func (h *channelHead) channelType() string { return h.Type }

type (
	peekedEmail struct {
		channelHead

		Emails  []string `json:"emails"`
		UserIDs []string `json:"userIds"`
		Events  []string `json:"events"`
	}
	peekedSlack struct {
		channelHead

		URL               string            `json:"url"`
		Mentions          map[string]string `json:"mentions"`
		EnabledGraphImage bool              `json:"enabledGraphImage"`
		Events            []string          `json:"events"`
	}
	peekedWebhook struct {
		channelHead

		URL               string   `json:"url"`
		EnabledGraphImage bool     `json:"enabledGraphImage"`
		Events            []string `json:"events"`
	}
)

// peekChannels decodes a list as mackerel-client-go decodes monitors: the list into raw elements, of each element the
// type, and then the whole element into the type's struct.
func peekChannels[Raw ~[]byte](c codec, list []byte) ([]peekedChannel, error) {
	var elements []Raw
	if err := c.unmarshal(list, &elements); err != nil {
		return nil, err
	}
	channels := make([]peekedChannel, 0, len(elements))
	for _, element := range elements {
		channel, err := peekChannel(c, element)
		if err != nil {
			return nil, err
		}
		channels = append(channels, channel)
	}
	return channels, nil
}

func peekChannel(c codec, element []byte) (peekedChannel, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := c.unmarshal(element, &head); err != nil {
		return nil, err
	}
	var channel peekedChannel
	switch head.Type {
	case "email":
		channel = &peekedEmail{}
	case "slack":
		channel = &peekedSlack{}
	case "webhook":
		channel = &peekedWebhook{}
	case "":
		return nil, fmt.Errorf("no type in %s", element)
	default:
		channel = &channelHead{}
	}
	return channel, c.unmarshal(element, channel)
}
