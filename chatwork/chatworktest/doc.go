// Package chatworktest is a fake of the Chatwork API, version 2 (https://developer.chatwork.com/reference), for tests:
// a real HTTP server that remembers what it is sent and refuses what Chatwork refuses. It has all 32 operations, and
// downloads of the files that were uploaded.
//
// To test your own alerting, let it post to the fake, and look at what the people in the room would have read:
//
//	fake := chatworktest.New()
//	t.Cleanup(fake.Close)
//	n, err := chatwork.New(fake.Config()) // in a testing/synctest bubble: fake.MemoryConfig()
//	err = n.Notify(ctx, alert)
//	for _, m := range fake.Messages(chatworktest.RoomID) {
//		t.Log(m.Body)
//	}
//
// Faults (Inject), limits (SetLimit, Documented), tokens, the clock, the requests and the two ways to reach the fake
// are those of package fakehttp. A token belongs to an account: see [Server.AddToken].
//
// A test names accounts and rooms by their ids. A room or an account that is unknown is made. An id of 0 is the account
// [AccountID] or the room [RoomID]. A new thing whose id is 0 or taken gets a new id, which the Add methods return.
//
// # What it refuses
//
//   - 400: a required parameter that is missing, a parameter that is given twice or out of its limits, true and false
//     for 1 and 0, a form that is not declared as application/x-www-form-urlencoded, an upload that is no
//     multipart/form-data, whose filename has a path, or that does not end with the closing boundary; and, if the fake
//     is Strict, unknown parameters and parameters in the query of a POST or PUT, which Chatwork ignores.
//   - 400: marking messages as read that are read or as unread that are unread, creating a link that exists, changing
//     or deleting a link that does not exist, members who are neither contacts nor of the same organization.
//   - 401: a missing or unknown X-ChatWorkToken, a missing or unknown access token in Authorization, or both headers.
//   - 403: a room that the account is not in, a change in a room where the account is readonly, a change of another
//     account's message, a change of the members or the link of a room or its deletion if the account is no admin, the
//     address of a file after 30 seconds.
//   - 404: an unknown message, task, file, request, path or method. A path with an empty id is not redirected.
//   - 429: more requests of a token than the lane "calls" allows, more messages and tasks for a room than the lane
//     "room" allows. Documented sets 300 in 5 minutes and 10 in 10 seconds. Only if the lane "calls" is limited,
//     answers have the headers with what is left; those of Chatwork always have them.
//   - 400 for a download with a token, which must not be sent to the host of the files.
//
// [Server.HideOlderThan] hides messages as the free plan does.
//
// # What it decides
//
// The reference leaves some things open. The fake counts the 65,535 characters of a message as bytes of UTF-8, and 5
// MB as 5 times 1,024 times 1,024 bytes. An unknown room is a 403, as a room of others is. A DELETE may have its
// parameters in the query. A list of members other than the admins may be empty. Reading with force=1 does not move
// the place of force=0. If more than 100 messages are new, force=0 returns the newest 100 and skips the others. A
// deleted message is listed as "[deleted]" and cannot be edited or deleted again. Tasks and files have the id of a
// message that is not listed. The account that creates a room is its admin. Lists of tasks and files have the newest
// 100, oldest first. A link that is updated without a description has none. A deadline without a type is a "time";
// without a deadline the type is "none" and the time 0. Requests that are refused do not count for the limit of a
// room. Texts of errors that Chatwork does not document are made up.
package chatworktest
