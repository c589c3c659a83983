// Package eventbridgetest is a fake of Amazon EventBridge's PutEvents, for tests: a real HTTP server that remembers the
// events it is sent and refuses what EventBridge refuses.
//
// To test a program against it, give the program the fake's URL, its region and its credentials:
//
//	s := eventbridgetest.NewServer()
//	t.Cleanup(s.Close)
//	n, err := eventbridge.New(eventbridge.Config{
//		Region: eventbridgetest.Region,
//		Credentials: credentials.NewStaticCredentialsProvider( // of github.com/aws/aws-sdk-go-v2/credentials
//			eventbridgetest.AccessKeyID, eventbridgetest.SecretAccessKey, eventbridgetest.SessionToken),
//		BaseURL: s.URL(),
//	})
//
// and look at what came of it: [Server.Events] has what is on a bus, Requests what was sent. Any other client will do as
// well, and AWS's own does. What happens when EventBridge fails is tested with [Server.FailEntries] and with faults:
//
//	s.Inject(fakehttp.Fault{Status: 503, Times: 2})
//
// In a testing/synctest bubble, where waiting takes no time, use [fakehttp.MemoryURL] as the base URL and s.Client() as the
// http.Client. Faults, the record of requests, the clock and the two ways in are those of package fakehttp.
//
// # What it refuses
//
// With 400 and the code in __type: another target or content type; a request that is not signed, or whose signature is not
// the one that the fake calculates for itself with Signature Version 4, is for another region or service, does not sign the
// host or an x-amz- header, or is more than five minutes from the server's clock; unknown credentials; a body that is not
// JSON, or has members that are unknown, doubled or of the wrong type; no entries or more than 10; 1 MB and more in all.
//
// An entry fails by itself, within a 200, if it lacks Source, DetailType or Detail (unless no entry is whole: then the
// request fails), if the Source begins with "aws.", if the DetailType has more than 128 characters, if the Detail is not a
// JSON object, or if its bus cannot be a bus's name.
//
// # What it decides
//
// An event for a bus that does not exist is accepted, with an id, and dropped, as has been seen with EventBridge
// (https://github.com/aws/aws-cli/issues/9186). 1 MB is 10^6 bytes here, the smaller of the two readings. Unknown members are
// refused, so that misspelt ones are found. The words of errors are the fake's own where none are documented, and all of
// them come with a 400 unless the documentation has another status.
package eventbridgetest
