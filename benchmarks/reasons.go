package main

// These are the reasons for budgets that are missed, as the report shows them beside the numbers. The report shows why.md
// below them.
const (
	whyLatency     = "noise, if CPU is as below: a hundredth is 0.2 ms"
	whyCPU         = "[rendering and the call](#cpu)"
	whyAllocations = "[rendering](#allocations)"
	whyFanout      = "noise of 1,300 dials at once"
	whySize        = "[JSON](#size)"
)

// These are the texts above the tables of the report.
const (
	fanoutText = "![One alert to many](fanout.svg)\n\nDeliverAll delivers an alert to rooms of one Chatwork server, each with " +
		"a notifier of its own. The base is as many goroutines that each make one raw post. All numbers are per notifier. " +
		"Both keep 128 idle connections to a host, so with more than 128 at once most connections are new, for both."
	receiveText = "ParseWebhook keeps the bytes, and what was read from them, so that an alert can be passed on " +
		"unchanged. It notes members of a wrong type and reads the rest. The flat struct does neither. The receiver is " +
		"called without a network; it remembers bodies to know duplicates. The plain handler checks the password and " +
		"decodes the body."
	channelsText = "A list of 1,000 channels is decoded and encoded as []mackerel.Channel, which keeps every member, " +
		"also those that are unknown, and as types that lose members. All numbers are per channel."
	longText = "The message of an alert is one text, repeated to a length. It is delivered to the server without latency. " +
		"The time is the shortest of up to five deliveries, with rendering, cutting and sending. Chatwork, HipChat, Slack " +
		"and PagerDuty get a text that is cut to their limit. The webhook has no limit: its whole text is encoded as JSON, " +
		"in which a control character has six bytes, and is sent."
	memoryText = "Each notifier has a destination and a credential of its own. After a message a notifier has " +
		"also lanes, which remember the message until the pace has forgotten it."
	sizeText = "![Size of a program](size.svg)\n\nThe programs in [hello](hello) send one message. They are built with " +
		"-trimpath and -ldflags='-s -w'. The raw programs have no retries, no limits, and no escaping of texts: raw posts a " +
		"form, raw-json makes JSON of a map, and raw-jsonv2 does that with the second version of encoding/json, as this " +
		"module has it. Packages count those of the standard library. Since Go 1.27, encoding/json is made of its second " +
		"version, so programs that have encoding/json already have both."
)
