package notifytest

// A repair tells the author of a notifier what to do about a complaint. Several rows share a repair.
type repair struct {
	what string // an imperative sentence
	how  string // what to write in the code, in lines
}

// The repairs of outcomes.
var (
	sendOne = repair{
		"Make an open critical alert exactly one request that the fake accepts.",
		"Look at the request and at the answer of the fake. Return nil after the documented success.",
	}
	returnAmbiguous = repair{
		"Return mackerel.ErrAmbiguous if the message may have been accepted.",
		"That is so if the request was sent and the connection broke, no answer came in time, the\n" +
			"answer was a 5xx, or a success was not as documented. It stays so if a later attempt is refused.\n" +
			"Return &mackerel.Error{Kind: mackerel.ErrAmbiguous, Delivery: mode}.",
	}
	returnUnavailable = repair{
		"Return mackerel.ErrUnavailable if no connection was made.",
		"Return &mackerel.Error{Kind: mackerel.ErrUnavailable}. GetConn without GotConn of\n" +
			"httptrace.ClientTrace shows that nothing was sent.",
	}
	kindByStatus = repair{
		"Give the error of each HTTP status its Kind.",
		"Return &mackerel.Error{Kind: ...}: 401, 402, 403, 407 mackerel.ErrUnauthorized; 404, 410\n" +
			"mackerel.ErrNotFound; 408 mackerel.ErrUnavailable; 429 mackerel.ErrRateLimited; 501, 505\n" +
			"mackerel.ErrUnsupported; other 3xx and 4xx mackerel.ErrInvalid; other 5xx\n" +
			"mackerel.ErrAmbiguous. Harness.Statuses tells exceptions.",
	}
	setDelivery = repair{
		"Set Delivery in the *mackerel.Error to the mode of the call.",
		"mackerel.Retry needs it to decide whether the caller may send the message again. It finds no mode\n" +
			"in a mackerel.ErrAmbiguous that is in no *mackerel.Error.",
	}
	sendOnce = repair{
		"Send a message once with mackerel.AtMostOnce.",
		"Do not repeat the request after a lost answer. Set GetBody of the http.Request to nil and\n" +
			"send no Idempotency-Key, because net/http then repeats the request by itself.",
	}
	repeatLost = repair{
		"Repeat the request after a refusal or a failure, or set Harness.SingleAttempt.",
		"Make up to Env.MaxAttempts requests after a 429 or without a connection and, with\n" +
			"mackerel.AtLeastOnce, after a lost answer or a 5xx. Harness.SingleAttempt says that the\n" +
			"caller repeats.",
	}
	limitAttempts = repair{
		"Make at most Env.MaxAttempts requests per call.",
		"Return the error of the last attempt without a wait.",
	}
)

// The repairs of time.
var (
	waitAsTold = repair{
		"Wait as long as Retry-After says, then repeat the request, or set Harness.SingleAttempt.",
		"Read seconds and dates (http.ParseTime). Ignore values without a meaning.\n" +
			"Harness.SingleAttempt says that the caller waits.",
	}
	keepPace = repair{
		"Deliver every message, also if many come at once.",
		"A call may wait for its turn, until its context ends. A call whose turn comes later than that, or\n" +
			"after ten minutes, returns mackerel.ErrRateLimited with RetryAfter at once.",
	}
	tellWait = repair{
		"Return the wait in RetryAfter of the *mackerel.Error.",
		"Return at once if the wait does not end before the deadline of the context, or is too long\n" +
			"for a call.",
	}
	endWithContext = repair{
		"End the call when its context ends.",
		"Make requests with http.NewRequestWithContext(ctx, ...) and wait for ctx.Done() as well. Let\n" +
			"the error wrap ctx.Err() and context.Cause(ctx).",
	}
	ownTimeout = repair{
		"Give each attempt a timeout.",
		"Use context.WithTimeout(ctx, 10*time.Second) for the request and for reading the whole\n" +
			"answer.",
	}
)

// The repairs of answers and secrets.
var (
	refuseRedirects = repair{
		"Refuse redirects.",
		"Copy the http.Client and let CheckRedirect return http.ErrUseLastResponse. A redirect is\n" +
			"mackerel.ErrInvalid.",
	}
	limitAnswer = repair{
		"Read a limited part of an answer.",
		"Read from io.LimitReader(resp.Body, 64<<10), and do not allocate by Content-Length.",
	}
	useClient = repair{
		"Make all requests with Env.Client.",
		"Pass it on in Harness.New.",
	}
	listSecrets = repair{
		"List in Harness.Secrets what is sent, and in Harness.Keys what is never sent.",
		"The rows about secrets search for these texts.",
	}
	hideInErrors = repair{
		"Keep credentials out of errors.",
		"An error of net/http contains the URL: do not wrap it, also not in an error that hides its\n" +
			"text. A service may quote what it was sent: replace each credential in its words, in every\n" +
			"encoding, and cut the words after that.",
	}
	hideInNotifier = repair{
		"Hold credentials in mackerel.Secret.",
		"fmt prints unexported fields, and does not call String or Format there. A URL may be a\n" +
			"credential.",
	}
	hideInResults = repair{
		"Keep credentials out of receipts and previews.",
		"Write \"[redacted]\" in their place.",
	}
)

// The repairs of messages.
var (
	acceptAlerts = repair{
		"Send every alert, whichever fields it has.",
		"Test pointers for nil, and leave out what is empty. Take an unknown event or status for\n" +
			"words.",
	}
	sayWhySkipped = repair{
		"Say in Receipt.Skipped why no message was sent.",
		"Without a receipt, send every alert.",
	}
	cutTexts = repair{
		"Cut long texts, and report each cut in Receipt.Cuts.",
		"Cut between characters as people see them. Put the status, the monitor, the host, the first line\n" +
			"of the message and the link before what may be long.",
	}
	encodeTexts = repair{
		"Encode every text of the alert.",
		"Use json.Marshal or url.Values, and strings.ToValidUTF8. Never put a text into a header.",
	}
	copyAlert = repair{
		"Do not write to the alert.",
		"Clone a slice or map of the alert before a change: other notifiers read it at the same time.",
	}
	shareNothing = repair{
		"Keep nothing of a call in the notifier.",
		"Calls run at the same time. Use variables of the call, or a lock.",
	}
	trueReceipt = repair{
		"Let the receipt tell what was done.",
		"Fill Provider, Attempts, Duration and Cuts, also if the call fails. The error has the same\n" +
			"Provider and Attempts.",
	}
	deliverInNotify = repair{
		"Let Notify call Deliver and return its error.",
		"Both must end alike.",
	}
	truePreview = repair{
		"Let Preview show what Deliver sends, without a request.",
		"Make the request's method, URL, header, body and cuts in one function that both use.",
	}
)

// The repairs of what a call does to the program around it.
var (
	neverPanic = repair{
		"Return an error in place of a panic or runtime.Goexit.",
		"The stack below shows where.",
	}
	writeNothing = repair{
		"Write nothing to standard output, standard error or the log.",
		"Return an error, and let the caller write it.",
	}
	endGoroutines = repair{
		"End every goroutine that a call starts before the call returns.",
		"The stack below shows where it was started.",
	}
	mendHarness = repair{
		"Mend the harness: it failed itself.",
		"Its own messages are below.",
	}
)
