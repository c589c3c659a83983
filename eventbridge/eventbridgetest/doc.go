// Package eventbridgetest is a fake of Amazon EventBridge's PutEvents
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html), for tests: a real HTTP server that
// remembers what it is sent and refuses what EventBridge refuses. It checks signatures, and works with every client of
// AWS whose endpoint is its URL.
//
// To test your own alerting, let it put events on the fake, and look at what is on the bus:
//
//	fake := eventbridgetest.New()
//	t.Cleanup(fake.Close)
//	n, err := eventbridge.New(fake.Config()) // in a testing/synctest bubble: fake.MemoryConfig()
//	err = n.Notify(ctx, alert)
//	for _, e := range fake.Events(eventbridgetest.DefaultBus) {
//		t.Log(e.DetailType, e.Detail)
//	}
//
// Faults (Inject), limits (SetLimit, Documented), tokens, the clock, the requests and the two ways to reach the fake
// are those of package fakehttp. A token is a session token of [AccessKeyID]. An entry that fails within a 200 is made
// by [Server.FailEntries].
//
// # What it refuses
//
// With 400, and the code in __type:
//
//   - UnknownOperationException: another method, path or X-Amz-Target. SerializationException: another Content-Type, a
//     body that is not JSON, members that are doubled or of the wrong type and, if the fake is Strict, unknown members.
//   - MissingAuthenticationTokenException, IncompleteSignatureException: a request without a signature, or with half of
//     one.
//   - InvalidSignatureException: a signature other than that of the SDK's signer for this request and [Region], or of a
//     time that is more than five minutes from the fake's clock. The host, the type and the x-amz- headers must be
//     signed. UnrecognizedClientException: an unknown key or session token.
//   - ValidationException: no entries or more than 10, 1 MB or more in all entries, no entry that has a Source, a
//     DetailType and a Detail, a global endpoint.
//   - ThrottlingException: more than the lane "requests" allows. Documented sets 1,200 in a second, as in [Region].
//
// An entry fails by itself, within a 200:
//
//   - InvalidArgument: no Source, DetailType or Detail, a DetailType of more than 128 characters, a bus that cannot be
//     a bus's name or ARN.
//   - NotAuthorizedForSourceException: a Source that begins with "aws.".
//   - MalformedDetail: a Detail that is not a JSON object.
//
// # What it decides
//
// An event for a bus that does not exist is accepted, with an id, and dropped, as was seen with EventBridge
// (https://github.com/aws/aws-cli/issues/9186). 1 MB is 10^6 bytes, the smaller of the two readings. The words of
// errors are the fake's own where AWS documents no words, and each refusal is a 400 where AWS documents no status.
package eventbridgetest
