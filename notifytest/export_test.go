package notifytest

import (
	"testing"
	"time"
)

// Complaints tries the row with a name and returns its complaints.
func Complaints(t *testing.T, name string, harness func(testing.TB) Harness) []string {
	t.Helper()
	for _, r := range allRows() {
		if r.name == name {
			var complaints []string
			report := func(complaint string) { complaints = append(complaints, complaint) }
			r.run(t, stage{report: report, harness: harness, linger: 100 * time.Millisecond}, harness(t).Fake != nil)
			return complaints
		}
	}
	t.Fatalf("there is no row %q", name)
	return nil
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
