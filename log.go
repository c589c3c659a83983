package mackerel

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// LogValue returns the fields that are set, for log/slog: kind, provider, op, status, code, message, cause, attempts
// and retry_after.
func (e Error) LogValue() slog.Value {
	var f fields
	f.err("kind", e.Kind)
	f.text("provider", e.Provider)
	f.text("op", e.Op)
	f.number("status", e.Status)
	f.text("code", e.Code)
	f.text("message", e.Message)
	f.err("cause", e.Err)
	f.number("attempts", e.Attempts)
	f.duration("retry_after", e.RetryAfter)
	return slog.GroupValue(f...)
}

// MarshalJSON writes what LogValue returns. An Error in a list that is logged shows its kind and its cause as well.
func (e Error) MarshalJSON() ([]byte, error) { return logJSON(e) }

// LogValue returns the notifier and the failure, for log/slog.
func (e DeliveryError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("notifier", notifierName(e.Notifier)), slog.Any("error", e.Err))
}

// MarshalJSON writes what LogValue returns.
func (e DeliveryError) MarshalJSON() ([]byte, error) { return logJSON(e) }

// LogValue returns the fields that are set, for log/slog.
func (a Attempt) LogValue() slog.Value {
	var f fields
	f.text("provider", a.Provider)
	f.text("notifier", a.Notifier)
	f.text("op", a.Op)
	f.number("number", a.Number)
	f.number("status", a.Status)
	f.err("cause", a.Err)
	f.duration("duration", a.Duration)
	f.duration("waited", a.Waited)
	f.duration("wait", a.Wait)
	f.flag("last", a.Last)
	return slog.GroupValue(f...)
}

// MarshalJSON writes what LogValue returns.
func (a Attempt) MarshalJSON() ([]byte, error) { return logJSON(a) }

// LogValue returns the fields that are set, for log/slog.
func (r Receipt) LogValue() slog.Value { return slog.GroupValue(r.fields()...) }

func (r Receipt) fields() fields {
	var f fields
	f.text("provider", r.Provider)
	f.text("id", r.ID)
	f.text("skipped", r.Skipped)
	f.flag("queued", r.Queued)
	f.number("attempts", r.Attempts)
	f.duration("duration", r.Duration)
	f.duration("waited", r.Waited)
	if len(r.Cuts) > 0 {
		cuts := make([]string, len(r.Cuts))
		for i, c := range r.Cuts {
			cuts[i] = c.String()
		}
		f = append(f, slog.Any("cuts", cuts))
	}
	return f
}

// String returns "memo from 5000 to 3000 runes".
func (c Cut) String() string {
	return c.Field + " from " + strconv.Itoa(c.From) + " to " + strconv.Itoa(c.To) + " " + c.Unit
}

// LogValue returns the notifier, the receipt and the error, for log/slog.
func (r Result) LogValue() slog.Value {
	return slog.GroupValue(append(fields{slog.String("notifier", notifierName(r.Notifier))}, r.outcome()...)...)
}

// outcome returns the fields of the receipt, and the error.
func (r Result) outcome() fields {
	f := r.Receipt.fields()
	if r.Err != nil {
		f = append(f, slog.Any("error", r.Err))
	}
	return f
}

// MarshalJSON writes what LogValue returns.
func (r Result) MarshalJSON() ([]byte, error) { return logJSON(r) }

// LogValue returns a group for each notifier, for log/slog. Its key is the notifier's String, with a number if an
// earlier notifier has the same String.
func (r Results) LogValue() slog.Value {
	groups := make([]slog.Attr, len(r))
	count := make(map[string]int)
	for i, result := range r {
		name := notifierName(result.Notifier)
		if count[name]++; count[name] > 1 {
			name += " #" + strconv.Itoa(count[name])
		}
		outcome := result.outcome()
		if len(outcome) == 0 { // a handler leaves out a group without fields
			outcome = fields{slog.String("duration", "0s")}
		}
		groups[i] = slog.Attr{Key: name, Value: slog.GroupValue(outcome...)}
	}
	return slog.GroupValue(groups...)
}

// notifierName returns the String of a notifier, or the name of its type if it has none or is nil.
func notifierName(n Notifier) string {
	if n == nil {
		return "nil"
	}
	if IsNil(n) {
		return fmt.Sprintf("nil %T", n)
	}
	if s, ok := n.(fmt.Stringer); ok {
		if name := s.String(); name != "" {
			return name
		}
	}
	return fmt.Sprintf("%T", n)
}

// fields are attributes for log/slog. Fields that are not set are left out.
type fields []slog.Attr

func (f *fields) text(key, s string) {
	if s != "" {
		*f = append(*f, slog.String(key, s))
	}
}

func (f *fields) number(key string, n int) {
	if n != 0 {
		*f = append(*f, slog.Int(key, n))
	}
}

func (f *fields) flag(key string, set bool) {
	if set {
		*f = append(*f, slog.Bool(key, true))
	}
}

// duration writes "1.5s". slog.JSONHandler would write a Duration as a number of nanoseconds.
func (f *fields) duration(key string, d time.Duration) {
	if d != 0 {
		*f = append(*f, slog.String(key, d.String()))
	}
}

func (f *fields) err(key string, err error) {
	if err != nil {
		*f = append(*f, slog.String(key, err.Error()))
	}
}

// logJSON writes a value for log/slog as JSON, as slog.JSONHandler does.
func logJSON(v slog.LogValuer) ([]byte, error) {
	return json.Marshal(logged{v.LogValue()}, jsontext.AllowInvalidUTF8(true))
}

// logged is a value for log/slog as JSON.
type logged struct{ slog.Value }

// MarshalJSONTo writes a group as an object, an error as its text, and anything else as its value.
func (l logged) MarshalJSONTo(e *jsontext.Encoder) error {
	v := l.Resolve()
	if v.Kind() != slog.KindGroup {
		if err, ok := v.Any().(error); ok {
			v = slog.StringValue(err.Error())
		}
		return json.MarshalEncode(e, v.Any())
	}
	if err := e.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, a := range v.Group() {
		if err := e.WriteToken(jsontext.String(a.Key)); err != nil {
			return err
		}
		if err := json.MarshalEncode(e, logged{a.Value}); err != nil {
			return err
		}
	}
	return e.WriteToken(jsontext.EndObject)
}
