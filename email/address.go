package email

import (
	"net/mail"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
)

// hostName is the form of a host's name. A name with characters beyond ASCII has another form in the DNS.
var hostName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// isHost reports whether s may be the name or address of a host.
func isHost(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil || hostName.MatchString(s)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func hasControl(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0
}

// maxAddress is the longest address, in bytes and with the quotes of its local part:
// https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.3 without the angle brackets.
const maxAddress = 254

// addresses parses a list of addresses, in which each may stand once.
func addresses(p *provider.Problems, field string, list []string) (all []*mail.Address) {
	p.Require(field, len(list) > 0)
	seen := make(map[string]bool, len(list))
	for i, s := range list {
		element := field + "[" + strconv.Itoa(i) + "]"
		a := address(p, element, s)
		if a == nil {
			continue
		}
		p.Check(element, !seen[strings.ToLower(a.Address)], "given twice")
		seen[strings.ToLower(a.Address)] = true
		all = append(all, a)
	}
	return all
}

// address parses an address. It returns nil if there is a problem.
func address(p *provider.Problems, field, s string) *mail.Address {
	a, err := mail.ParseAddress(s)
	switch {
	case s == "":
		p.Add(field, "required")
	case err != nil:
		p.Add(field, "must be an address")
	case hasControl(a.Address) || !isASCII(a.Address):
		p.Add(field, "has a control character or a character beyond ASCII")
	case len(mailbox(a)) > maxAddress:
		p.Length(field, mailbox(a), provider.Bytes, maxAddress)
	default:
		return a
	}
	return nil
}

// mailbox returns an address as SMTP and headers need it. net/mail drops the quotes of a local part, such as
// "john doe"@example.com. mailbox adds the quotes where they are needed.
func mailbox(a *mail.Address) string {
	bare := mail.Address{Address: a.Address}
	return strings.TrimSuffix(strings.TrimPrefix(bare.String(), "<"), ">")
}

// domain returns the part after the last @.
func domain(a *mail.Address) string { return a.Address[strings.LastIndexByte(a.Address, '@')+1:] }
