// Package jsmtest is a fake of Jira Service Management's integration events API for tests: a real HTTP server that
// keeps alerts and refuses what the service refuses. It has creating, closing and acknowledging alerts, adding notes, and the
// status of requests.
//
// To test a program against it, give the program the fake's address and its key:
//
//	s := jsmtest.NewServer()
//	t.Cleanup(s.Close)
//	n, err := jsm.New(jsm.Config{
//		APIKey:  mackerel.NewSecret(jsmtest.APIKey),
//		BaseURL: s.BaseURL(),
//	})
//
// and look at what came of it: [Server.Alerts] has what people would be told, Requests what was sent. Any other client of
// the API will do as well. What happens when the service fails is tested with faults:
//
//	s.Inject(fakehttp.Fault{Status: 503, Times: 2})
//
// In a testing/synctest bubble, where waiting takes no time, use [MemoryBaseURL] as the base URL and s.Client() as the
// http.Client. Faults, the record of requests, the clock and the two ways in are those of package fakehttp.
//
// # What it refuses
//
// An unknown key with 401; a body that is not JSON with 400, one that is not declared as JSON with 415; and with 422,
// field by field: members that are unknown, missing, doubled or of the wrong type, texts and lists that are too long, a
// priority that is none, a responder that nobody could find, and an identifierType other than id and alias. More requests
// than [Server.SetLimit] allows with 429 and X-RateLimit-Period-In-Sec.
//
// # What it decides
//
// A creation for an alias that is open counts that alert up and changes nothing else. What is done to an alert that is not
// open is accepted with 202 like everything else, and only the status of the request says that there is none. That status
// is not found when it is asked for the first time; see [Server.SetPending].
//
// The pages leave some things open. Lengths are counted in UTF-16 units here, the stricter reading; of details, names and
// values. Unknown members are refused, though the real service is known to ignore some. The words of a 429 and of most
// errors of fields are the fake's own. Limits, the status 202 and the path of a
// request's status are Opsgenie's; the status has no data around it, as in the REST API of the same product.
package jsmtest
