package strict

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A Checker checks the fields of a request, and keeps what is wrong with the first of them.
type Checker struct {
	Err error // a *FieldError, nil if nothing is wrong so far
}

// Want notes a problem with a field unless ok.
func (c *Checker) Want(ok bool, field, problem string) {
	if !ok && c.Err == nil {
		c.Err = &FieldError{field, problem}
	}
}

// Text checks that a text is not blank.
func (c *Checker) Text(field, s string) {
	c.Want(strings.TrimSpace(s) != "", field, "is empty")
}

// Word checks that a word is one of the allowed. A word may be missing.
func (c *Checker) Word(field, s string, allowed ...string) {
	c.Want(s == "" || slices.Contains(allowed, s), field, fmt.Sprintf("%q is not one of %q", s, allowed))
}

// URL checks that an address is an absolute URL with one of the schemes.
func (c *Checker) URL(field, s string, schemes ...string) {
	u, err := url.Parse(s)
	ok := err == nil && slices.Contains(schemes, u.Scheme) && (u.Host != "" || u.Scheme == "tel") &&
		!strings.ContainsAny(s, " \t\r\n")
	c.Want(ok, field, "is not an address of "+strings.Join(schemes, " or "))
}

// Item names an item of a list: "body[0]".
func Item(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }
