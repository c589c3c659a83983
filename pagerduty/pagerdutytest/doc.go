// Package pagerdutytest is a fake of PagerDuty's Events API, version 2, for tests: a real HTTP server that keeps
// incidents and refuses what PagerDuty refuses.
//
// To test a program against it, give the program the fake's address and its key:
//
//	s := pagerdutytest.NewServer()
//	t.Cleanup(s.Close)
//	n, err := pagerduty.New(pagerduty.Config{
//		RoutingKey: mackerel.NewSecret(pagerdutytest.RoutingKey),
//		BaseURL:    s.BaseURL(),
//	})
//
// and look at what came of it: [Server.Incidents] has what people would be paged with, Requests what was sent. Any other
// client of the Events API will do as well. What happens when PagerDuty fails is tested with faults:
//
//	s.Inject(fakehttp.Fault{Status: 500, Times: 2})
//
// In a testing/synctest bubble, where waiting takes no time, use [MemoryBaseURL] as the base URL and s.Client() as the
// http.Client. Faults, the record of requests, the clock and the two ways in are those of package fakehttp.
//
// # What it refuses
//
// With 400 and PagerDuty's words as far as they are on record: a body that is not JSON, a key that is not 32 letters
// and digits or that it does not know, members that are unknown, missing, doubled or of the wrong type, an action or a
// severity that is none, a summary or a dedup_key that is too long, a timestamp that is none, an image that is not
// https, and acknowledge and resolve without a dedup_key. More than 120 events in a minute for one key with 429.
//
// # What it decides
//
// An event for a key that is not open is accepted with 202 and dropped, unless it is a trigger. A trigger for one that is
// open adds to it; after resolve it opens a new one.
//
// PagerDuty's pages leave some things open. Lengths are counted in UTF-16 units here, the stricter reading. A body of
// more than 512,000 bytes is a 413. A Content-Type other than JSON and an unknown member are refused, though the real
// service is known to ignore some. A 429 says nothing about how long to wait.
package pagerdutytest
