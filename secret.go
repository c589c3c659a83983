package mackerel

import (
	"errors"
	"log/slog"
	"unique"
)

// redacted is what a Secret shows of itself.
const redacted = "[redacted]"

// A Secret is a token, a key or a URL that must not be printed. Printing, logging and JSON show "[redacted]", and fmt
// shows an address for a Secret in an unexported field of a struct. Only Reveal returns the value. The zero Secret is
// empty and prints as nothing. Secrets can be compared with ==.
type Secret struct{ value unique.Handle[string] }

// NewSecret returns a Secret with the value: mackerel.NewSecret(os.Getenv("CHATWORK_TOKEN")). For the empty string it
// returns the zero Secret.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{unique.Make(value)}
}

// Reveal returns the value.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.value.Value()
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
