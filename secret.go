package mackerel

import (
	"errors"
	"log/slog"
	"unique"
)

// redacted is what a Secret shows of itself.
const redacted = "[redacted]"

// A Secret is a token, key or URL that must not be printed. fmt, log/slog and JSON show "[redacted]", also below an
// unexported field; only Reveal returns the value. The zero Secret is empty and is shown as "". Secrets are
// comparable.
type Secret struct {
	value unique.Handle[string] // not a string, because fmt prints any string that it reaches by reflection
}

// NewSecret returns a Secret with the value: mackerel.NewSecret(os.Getenv("CHATWORK_TOKEN")). The empty string gives
// the zero Secret.
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

// IsZero reports whether the secret is empty. JSON calls it for omitzero.
func (s Secret) IsZero() bool { return s == Secret{} }

// String returns "[redacted]", or "" for an empty secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// GoString returns String in quotes, for %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// LogValue returns String, for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns String. A configuration that is written does not contain its secrets.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the value. It refuses "[redacted]", as MarshalText has written it, because the value is lost.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == redacted {
		return errors.New(`the secret was written as "[redacted]": its value is lost`)
	}
	*s = NewSecret(string(text))
	return nil
}
