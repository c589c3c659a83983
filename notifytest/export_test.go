package notifytest

import (
	"testing"
	"time"
)

// Complaints tries the row with a name and returns its complaints.
func Complaints(t *testing.T, name string, harness func(testing.TB) Harness) []string {
	t.Helper()
	for _, r := range allRows() {
		if r.name != name {
			continue
		}
		var texts []string
		for _, c := range complaints(t, r, harness, harness(t)) {
			texts = append(texts, c.text)
		}
		return texts
	}
	t.Fatalf("there is no row %q", name)
	return nil
}

// Summary tries all rows and returns what Run would print first.
func Summary(t *testing.T, harness func(testing.TB) Harness) string {
	t.Helper()
	var all report
	h := harness(t)
	for _, r := range allRows() {
		if r.skip(h) != "" {
			continue
		}
		all.tried++
		if found := complaints(t, r, harness, h); len(found) > 0 {
			all.failures = append(all.failures, failure{complaints: found})
		}
	}
	return all.summary(all.plan())
}

func complaints(t *testing.T, r row, harness func(testing.TB) Harness, h Harness) []complaint {
	s := &stage{harness: harness, linger: 100 * time.Millisecond}
	r.run(t, s, h.Fake != nil)
	return s.complaints
}

// Names returns the names of all rows.
func Names() []string { return names(allRows()) }

// VariantNames returns the names of the rows of RunVariant.
func VariantNames() []string { return names(variantRows()) }

func names(rows []row) []string {
	var all []string
	for _, r := range rows {
		all = append(all, r.name)
	}
	return all
}
