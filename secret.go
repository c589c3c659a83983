package mackerel

import (
	"errors"
	"log/slog"
	"unique"
)

// redacted is what a Secret shows of itself.
const redacted = "[redacted]"

// A Secret is a token, key or URL that must not be printed. Every way of printing it, and JSON, gives "[redacted]";
// only Reveal returns the value. It holds no string that fmt could reach through somebody else's unexported field.
// The zero Secret is empty and prints as nothing. Secrets are comparable.
type Secret struct{ value unique.Handle[string] }

// NewSecret wraps a value, most often straight from the environment: mackerel.NewSecret(os.Getenv("CHATWORK_TOKEN")).
// The empty string gives the zero Secret.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{unique.Make(value)}
}

// Reveal returns the value itself.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.value.Value()
}

// IsZero reports whether the secret is empty; JSON's omitzero asks it.
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

// MarshalText is String: a configuration that is written out does not take its secrets along.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the value itself. It refuses "[redacted]", which is what is left of a secret after it was written
// out: better an error now than a wrong password later.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == redacted {
		return errors.New(`the secret was written out as "[redacted]": its value is lost`)
	}
	*s = NewSecret(string(text))
	return nil
}
