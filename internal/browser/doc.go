// Package browser tests the pages of examples/preview in a real browser, Chromium. It holds tests only, and is a module
// of its own so that what drives the browser is no dependency of the library.
//
// The tests build the example, run it as a command, and look at the pages at 400, 900 and 1,600 pixels, light and dark,
// in English and in Japanese. With -shots they write screenshots to a folder,
// among them the pictures of the README:
//
//	go test -count=1 . -shots shots
//
// Without Chromium the tests are skipped.
package browser
