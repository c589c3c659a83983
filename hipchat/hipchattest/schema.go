package hipchattest

// The members of bodies, from https://developer.atlassian.com/server/hipchat/messages and from the API's reference.
var (
	formats = []string{"html", "text"}

	contentMembers = []schema{
		{name: "message", kind: "string", required: true, least: 1, most: 10000},
		{name: "message_format", kind: "string", words: formats},
		{name: "notify", kind: "boolean"},
	}
	notificationMembers = append([]schema{
		{name: "color", kind: "string", words: []string{"yellow", "green", "red", "purple", "gray", "random"}},
		{name: "from", kind: "string", most: 64},
		{name: "attach_to", kind: "string", most: 36},
		{name: "card", kind: "object", members: cardMembers, unnamed: true},
	}, contentMembers...)
	topicMembers = []schema{
		{name: "topic", kind: "string", required: true, most: 250},
	}

	cardMembers = []schema{
		{name: "id", kind: "string", required: true, least: 1},
		{name: "style", kind: "string", required: true, words: []string{"file", "image", "application", "link", "media"}},
		{name: "format", kind: "string", words: []string{"compact", "medium"}},
		{name: "title", kind: "string", required: true, least: 1, most: 500},
		{name: "url", kind: "string"},
		{name: "description", kind: "object", orText: true, members: []schema{
			{name: "value", kind: "string", required: true, least: 1, most: 1000},
			{name: "format", kind: "string", required: true, words: formats},
		}},
		iconSchema,
		{name: "thumbnail", kind: "object", members: []schema{
			{name: "url", kind: "string", required: true, least: 1, most: 250},
			{name: "url@2x", kind: "string", most: 250},
			{name: "width", kind: "integer"},
			{name: "height", kind: "integer"},
		}},
		{name: "activity", kind: "object", members: []schema{
			{name: "html", kind: "string", required: true, least: 1},
			iconSchema,
		}},
		{name: "attributes", kind: "array", members: []schema{
			{name: "label", kind: "string", required: true, least: 1, most: 50},
			{name: "value", kind: "object", required: true, members: attributeValueMembers},
		}},
	}
	attributeValueMembers = []schema{
		{name: "label", kind: "string"},
		{name: "url", kind: "string"},
		{name: "style", kind: "string", words: []string{
			"lozenge-success", "lozenge-error", "lozenge-current", "lozenge-complete", "lozenge-moved", "lozenge",
		}},
		iconSchema,
	}
	iconSchema = schema{name: "icon", kind: "object", orText: true, members: []schema{
		{name: "url", kind: "string", required: true, least: 1},
		{name: "url@2x", kind: "string"},
	}}
)
