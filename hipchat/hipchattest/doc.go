// Package hipchattest is a fake of a HipChat server's API, version 2, for tests: a real HTTP server that remembers what
// it is sent and refuses what HipChat refuses. It has send_room_notification, the two histories of a room, the list of
// rooms, a room and its topic, messages to a person, what a token may do, and auth_test.
//
// To test a program against it, give the program the fake's URL and one of its tokens:
//
//	s := hipchattest.NewServer()
//	t.Cleanup(s.Close)
//	n, err := hipchat.New(hipchat.Config{
//		Token:   mackerel.NewSecret(hipchattest.Token),
//		Room:    hipchattest.RoomName,
//		BaseURL: s.BaseURL(),
//	})
//
// and look at what came of it: [Server.Messages] has what stands in a room, [Server.PrivateMessages] what a person was
// sent, [Server.Room] the topic, Requests what was asked. Rooms, people, their messages and tokens that may do less are
// set up with [Server.SetRoom], [Server.AddUser], [Server.AddMessage] and [Server.SetToken]. Any other client of
// HipChat's will do as well. What happens when HipChat fails is tested with faults:
//
//	s.Inject(fakehttp.Fault{Status: 503, Path: "/v2/room/*/notification", Times: 2})
//
// In a testing/synctest bubble, where waiting takes no time, use [MemoryBaseURL] as the base URL and s.Client() as the
// http.Client. Faults, the record of requests, the clock and the two ways in are those of package fakehttp.
//
// # What it refuses
//
// An unknown token with 401; a token without the scope, or of another room, with 403; an unknown room, person or path
// with 404; a path without a room, which is what is left of "/room/#ops/notification", with 405; more than 30 messages
// to a room or a person in a minute, and more calls in 5 minutes than the token has, with 429; and with 400: a body that
// is not declared as JSON or is none, members that are unknown, missing, doubled or of the wrong type, words that are
// not in the list, texts that are too long or too short, counted in characters, a bad card, and a query it does not
// know. Where an answer of the real service is on record, the fake answers the same, down to its Python; the rest is
// worded alike.
//
// # What it decides
//
// The record leaves some things open. A token of another room is a 403, and a list of rooms has that token's room only.
// The words of a 429 and of errors in a query are its own. An unknown member is refused unless [Server.IgnoreUnknown]
// says otherwise; in a card it is accepted, as by the real server. auth_test is answered before the body is looked at,
// and does not count as a message. A list of rooms has the private ones unless include-private is false, in the order in
// which they were added. A new topic leaves a message of type topic in the room. A message to a person is text unless it
// says html, and a person is found by a mention name only with its @. A session is shown to whoever has a token, and an
// unknown one is a 404. A card comes back in a history as it was sent; nothing is ever deleted.
//
// # HTML
//
// HipChat accepts any text as HTML and lets a sanitizer loose on it. So does the fake: [Message].Kept is what is left.
// [CheckHTML] and, for what stands in a card, [CheckCardHTML] are for tests that want nothing to be lost.
package hipchattest
