package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clipperhouse/displaywidth"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/durable"
)

// The widest columns of a table, in cells of a terminal. A Japanese character has two.
const (
	titleCells  = 44
	reasonCells = 60
)

const timeLayout = "2006-01-02 15:04:05"

// writeTable writes rows with columns as wide as their widest cell, and two blanks between them.
func writeTable(out io.Writer, rows [][]string) error {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			width[i] = max(width[i], displaywidth.String(text))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, text := range row {
			row[i] = text + strings.Repeat(" ", width[i]-displaywidth.String(text))
		}
		b.WriteString(strings.TrimRight(strings.Join(row, "  "), " ") + "\n")
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// cell returns a text on one line of at most some cells.
func cell(text string, cells int) string {
	return displaywidth.TruncateString(clean(strings.Join(strings.Fields(text), " ")), cells, "…")
}

func (c *command) writeJSON(v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s\n", b)
	return err
}

// A jsonQueue is a row of stats in JSON.
type jsonQueue struct {
	Queue         string  `json:"queue"`
	Served        bool    `json:"served"`
	Waiting       uint64  `json:"waiting"`
	InHand        uint64  `json:"in_hand"`
	OldestSeconds float64 `json:"oldest_seconds"`
	Deliveries    uint64  `json:"deliveries"`
	DeadLetters   uint64  `json:"dead_letters"`
}

func (c *command) stats(ctx context.Context, store *durable.Store) error {
	s, err := store.Stats(ctx)
	if err != nil {
		return err
	}
	if c.json {
		queues := []jsonQueue{}
		for _, q := range s.Queues {
			queues = append(queues, jsonQueue{q.Queue, q.Served, q.Waiting, q.InHand, q.Oldest.Seconds(), q.Deliveries, q.DeadLetters})
		}
		return c.writeJSON(map[string]any{
			"at": s.At, "bytes": s.Bytes, "max_bytes": s.MaxBytes, "unserved": s.Unserved, "queues": queues,
		})
	}
	rows := [][]string{{"QUEUE", "WAITING", "IN HAND", "OLDEST", "DELIVERIES", "DEAD LETTERS", ""}}
	for _, q := range s.Queues {
		note := ""
		if !q.Served {
			note = "no worker has run yet"
		}
		rows = append(rows, []string{
			cell(q.Queue, titleCells), number(q.Waiting), number(q.InHand), q.Oldest.Truncate(time.Second).String(),
			number(q.Deliveries), number(q.DeadLetters), note,
		})
	}
	if err := writeTable(c.out, rows); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "\nThe alerts need %s of %s.\n", size(s.Bytes), size(s.MaxBytes))
	return err
}

func number(n uint64) string { return strconv.FormatUint(n, 10) }

// size returns a number of bytes in words.
func size(n int64) string {
	unit := 0
	f := float64(n)
	for ; f >= 1024 && unit < 4; unit++ {
		f /= 1024
	}
	if unit == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", f, []string{"", "KiB", "MiB", "GiB", "TiB"}[unit])
}

// A jsonLetter is a letter in JSON. It has the body only if that is no alert.
type jsonLetter struct {
	durable.DeadLetter
	Body string `json:"body,omitzero"`
}

func newJSONLetter(d durable.DeadLetter) jsonLetter {
	l := jsonLetter{DeadLetter: d}
	if d.Alert.Raw == nil {
		l.Body = string(d.Body)
	}
	return l
}

func (c *command) list(ctx context.Context, store *durable.Store) error {
	queue := ""
	if len(c.args) > 0 {
		queue = c.args[0]
	}
	letters := []jsonLetter{}
	rows := [][]string{{"ID", "QUEUE", "DIED", "DELIVERIES", "ALERT", "REASON"}}
	for d, err := range store.DeadLetters(ctx, queue) {
		if err != nil {
			return err
		}
		if c.json {
			letters = append(letters, newJSONLetter(d))
			continue
		}
		rows = append(rows, []string{
			number(d.ID), cell(d.Queue, titleCells), d.Died.Local().Format(timeLayout), strconv.Itoa(d.Deliveries),
			cell(title(d), titleCells), cell(d.Reason, reasonCells),
		})
	}
	switch {
	case c.json:
		return c.writeJSON(letters)
	case len(rows) == 1:
		_, err := fmt.Fprintln(c.out, "There are no dead letters.")
		return err
	}
	return writeTable(c.out, rows)
}

func title(d durable.DeadLetter) string {
	if d.Alert.Raw == nil {
		return "(no alert)"
	}
	return d.Alert.Title()
}

func (c *command) show(ctx context.Context, store *durable.Store) error {
	d, err := store.DeadLetter(ctx, c.ids[0])
	if err != nil {
		return err
	}
	if c.json {
		return c.writeJSON(newJSONLetter(d))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Dead letter %d of the queue %s\n\n", d.ID, d.Queue)
	fmt.Fprintf(&b, "Reason:      %s\n", cmp.Or(d.Reason, "unknown"))
	fmt.Fprintf(&b, "Stored:      %s\nDied:        %s\nDeliveries:  %d\n", when(d.Stored), when(d.Died), d.Deliveries)
	if d.Alert.Raw != nil {
		fmt.Fprintf(&b, "\nAlert:\n%s", indent(words(d.Alert)))
	}
	fmt.Fprintf(&b, "\nBody:\n%s", indent(pretty(d.Body)))
	_, err = io.WriteString(c.out, clean(b.String()))
	return err
}

func when(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return fmt.Sprintf("%s (%s ago)", t.Local().Format(timeLayout+" -0700"), max(time.Since(t), 0).Truncate(time.Second))
}

// words returns an alert as people read it in a message.
func words(a mackerel.Alert) string {
	m := chatwork.DefaultMessage(a, mackerel.Text{}) // its parts are plain text
	lines := []string{m.Title, m.Text}
	for _, f := range append(slices.Clone(m.Facts), m.Memo) {
		if f.Value != "" {
			lines = append(lines, f.Label+": "+f.Value)
		}
	}
	lines = slices.DeleteFunc(append(lines, m.URL), func(s string) bool { return s == "" })
	return strings.Join(lines, "\n")
}

// pretty returns JSON with line breaks, and other bodies as they are.
func pretty(body []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		return string(body)
	}
	return b.String()
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"
}

// A jsonChange is what became of a letter.
type jsonChange struct {
	ID    uint64 `json:"id"`
	Done  bool   `json:"done"`
	Error string `json:"error,omitzero"`
}

// change replays or drops letters. If it fails with one of them, it goes on with the others, unless the server is gone.
func (c *command) change(
	ctx context.Context, store *durable.Store, change func(context.Context, uint64) error, done string,
) error {
	ids := c.ids
	if c.all {
		for d, err := range store.DeadLetters(ctx, c.queue) {
			if err != nil {
				return err
			}
			ids = append(ids, d.ID)
		}
	}
	changes := []jsonChange{}
	failed := 0
	var err error
	for _, id := range ids {
		err = change(ctx, id)
		if changes = append(changes, jsonChange{ID: id, Done: err == nil}); err == nil {
			c.printf("%s %d\n", done, id)
			continue
		}
		failed++
		changes[len(changes)-1].Error = err.Error()
		c.printf("not %s %d: %s\n", done, id, clean(err.Error()))
		if errors.Is(err, mackerel.ErrUnavailable) || errors.Is(err, mackerel.ErrUnauthorized) {
			break
		}
	}
	return c.sum(changes, failed, len(ids), done, err)
}

// printf prints a line of progress, unless the answer is JSON.
func (c *command) printf(format string, args ...any) {
	if !c.json {
		fmt.Fprintf(c.out, format, args...)
	}
}

// sum ends a change.
func (c *command) sum(changes []jsonChange, failed, of int, done string, last error) error {
	if c.json {
		if err := c.writeJSON(changes); err != nil {
			return err
		}
	}
	switch {
	case failed == 0:
		if of == 0 {
			c.printf("There are no dead letters in the queue %s.\n", c.queue)
		}
		return nil
	case len(changes) < of:
		return fmt.Errorf("%d of %d are %s, then: %w", len(changes)-failed, of, done, last)
	case of == 1:
		return last
	}
	return fmt.Errorf("%d of %d are not %s", failed, of, done)
}
