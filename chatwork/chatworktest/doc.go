// Package chatworktest is a fake of the Chatwork API, version 2 (https://developer.chatwork.com/reference), for tests: a
// real HTTP server that remembers what it is told and refuses what Chatwork refuses. It has all 32 operations, and hands
// out the files that were uploaded.
//
// To test your own alerting, let it post to the fake, and look at what the people in the room would have got:
//
//	s := chatworktest.NewServer()
//	t.Cleanup(s.Close)
//	n, err := chatwork.New(chatwork.Config{
//		Token:   mackerel.NewSecret(chatworktest.Token),
//		RoomID:  chatworktest.RoomID,
//		BaseURL: s.BaseURL(),
//	})
//	err = n.Notify(ctx, alert) // or whatever of yours leads there
//	for _, m := range s.Messages(chatworktest.RoomID) {
//		if all, accounts := chatworktest.Mentions(m.Body); all || len(accounts) > 0 {
//			t.Errorf("the alert calls people: %s", m.Body)
//		}
//	}
//
// Any other client of Chatwork's will do as well. What happens when Chatwork fails is tested with faults:
//
//	s.Inject(fakehttp.Fault{Status: 503, Path: "/v2/rooms/*/messages", Times: 2})
//
// and its two rate limits by exceeding them; Advance puts the clock forward. In a testing/synctest bubble, where waiting
// takes no time, use [MemoryBaseURL] as the base URL and s.Client() as the http.Client. Faults, the clock, the record of
// requests and the two ways in are those of package fakehttp.
//
// # What it refuses
//
//   - 400: a parameter that is required and missing, unknown, given twice, or out of its limits; true and false for 1 and
//     0; a form that is not declared as application/x-www-form-urlencoded, or is in the query; marking as read or unread
//     what is so already; creating a link that exists, changing or deleting one that does not; members who are neither
//     contacts nor of the same organization; an upload that is no multipart/form-data, whose filename has a path, or that
//     does not end with the closing boundary.
//   - 401: a missing or unknown X-ChatWorkToken, or access token of OAuth 2.0 in Authorization; or both at once. Scopes
//     are not known.
//   - 403: a room that the account is not in; posting to a room where it may only read; editing or deleting somebody
//     else's message; changing the members or the link of a room, or deleting it, without being an admin; the address of
//     a file after 30 seconds.
//   - 404: an unknown message, task, file, request, path or method. Below /v2 nothing is redirected: an empty or non-numeric id is a 404 too.
//   - 429: the 301st request of a token in 5 minutes, whatever becomes of the requests; the 11th message or task for a
//     room in 10 seconds, whoever posts, counting those that would be accepted.
//
// With [Server.HideOlderThan] it hides messages as the free plan does, and says so. The address of a file, which is
// outside of /v2, refuses whoever sends a token to it.
//
// # What it decides
//
// The documentation leaves some things open. The fake takes a message's limit of 65,535 as bytes of UTF-8. An unknown
// room is a 403, the same as one of others, and its existence stays unknown. A parameter in the query of a POST or PUT,
// which Chatwork ignores, is a 400, since it is a mistake. force=1 leaves the place of force=0 as it is; if more than 100
// messages are new, force=0 gives the newest 100 and the others are lost to it. Marking is refused only if it would
// change nothing. A deleted message is still listed, as "[deleted]", and cannot be edited or deleted again. Answers to a
// room's rate limit have the headers of the general one, with what is left of it. A file has up to 5 times 1,024 times
// 1,024 bytes. Tasks and files have the id of a message, which is not listed. Whoever creates a room is an admin of it.
// Lists of tasks and files give the newest 100, the oldest of them first. A link that is updated without a description
// has none. A deadline without a type is a "time", without a deadline the type is "none" and the time 0. Only the texts of errors that are
// published are Chatwork's own.
package chatworktest
