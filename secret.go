package mackerel

import (
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"weak"
)

// redacted is what a Secret shows of itself.
const redacted = "[redacted]"

// A Secret is a token, a key or a URL that must not be printed. Printing, logging and JSON show "[redacted]". Packages
// that look into unexported fields, such as fmt, go-spew and the diffs of testify, show an address. Only Reveal returns
// the value. The zero Secret is empty and prints as nothing. Secrets can be compared with ==.
type Secret struct{ box *box }

// A box holds the value of a secret in a func, which reflection cannot look into.
type box struct{ reveal func() string }

// boxes has the box of each value that is in use, as a weak.Pointer[box], so that equal secrets have the same box.
var boxes sync.Map

func boxOf(value string) *box {
	for {
		known, ok := boxes.Load(value)
		if !ok {
			value = strings.Clone(value) // it may be a part of a long text
			b := &box{func() string { return value }}
			w := weak.Make(b)
			if known, ok = boxes.LoadOrStore(value, w); !ok {
				runtime.AddCleanup(b, func(value string) { boxes.CompareAndDelete(value, w) }, value)
				return b
			}
		}
		if b := known.(weak.Pointer[box]).Value(); b != nil { //nolint:forcetypeassert // boxes has nothing else
			return b
		}
		boxes.CompareAndDelete(value, known) // its cleanup is about to
	}
}

// NewSecret returns a Secret with the value: mackerel.NewSecret(os.Getenv("CHATWORK_TOKEN")). For the empty string it
// returns the zero Secret.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{boxOf(value)}
}

// Reveal returns the value.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.box.reveal()
}

// IsZero reports whether the secret is empty. The option omitzero of encoding/json uses it.
func (s Secret) IsZero() bool { return s == Secret{} }

// String returns "[redacted]", or nothing for an empty secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// GoString is String in quotes, for %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// LogValue is String, for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String, so that a configuration can be written without its secrets.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the value. The text "[redacted]" is an error, because MarshalText has written it instead of the
// value.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == redacted {
		return errors.New(`the secret was written as "[redacted]": its value is lost`)
	}
	*s = NewSecret(string(text))
	return nil
}
