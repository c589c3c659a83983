package mackerel_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

// A retryRow is a row of the READMEs' table of what is tried again.
type retryRow struct {
	name      string
	faults    []retryFault
	atLeast   string // "tried again, `ErrRateLimited`", in the language of the README
	atMost    string
	triedOnce string // how the README says that there is no second attempt
}

// A retryFault is what a service does with all attempts: it answers with a fault, or dialing it fails.
type retryFault struct {
	answer fakehttp.Fault
	dial   error
}

// The rows of the table that have no status, by the beginning of their first cell in either language.
var rowsWithoutStatus = map[string]retryFault{
	"no connection":              {dial: errors.New("connection refused")},
	"接続できない":                     {dial: errors.New("connection refused")},
	"a host that does not exist": {dial: &net.DNSError{Err: "no such host", IsNotFound: true}},
	"存在しないホスト":                   {dial: &net.DNSError{Err: "no such host", IsNotFound: true}},
	"no answer, or a part of it": {answer: fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true}},
	"応答がない、または途中で切れた":            {answer: fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true}},
}

var statusInTable = regexp.MustCompile(`\b\d{3}\b`)

// retryTable reads the table of a README.
func retryTable(t *testing.T, page, once string) []retryRow {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var rows []retryRow
	for line := range strings.Lines(string(content)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 || !strings.Contains(cells[3], "`Err") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		row := retryRow{name: cells[0], atLeast: cells[2], atMost: cells[3], triedOnce: once}
		for _, status := range statusInTable.FindAllString(cells[0], -1) {
			n, _ := strconv.Atoi(status) // three digits
			row.faults = append(row.faults, retryFault{answer: fakehttp.Fault{Status: n, Times: -1}})
		}
		for beginning, fault := range rowsWithoutStatus {
			if strings.HasPrefix(cells[0], beginning) {
				fault.answer.Times = -1
				row.faults = append(row.faults, fault)
			}
		}
		if len(row.faults) == 0 {
			t.Errorf("%s: the row %q is not known to this test", page, cells[0])
		}
		rows = append(rows, row)
	}
	if len(rows) < 10 {
		t.Fatalf("%s has %d rows about what is tried again", page, len(rows))
	}
	return rows
}

// TestTheTableOfWhatIsTriedAgain compares the tables of both READMEs with what Chatwork's and Slack's notifiers do.
func TestTheTableOfWhatIsTriedAgain(t *testing.T) {
	for page, once := range map[string]string{"README.md": "once", "README.ja.md": "1 回だけ"} {
		for _, row := range retryTable(t, page, once) {
			t.Run(page+"/"+row.name, func(t *testing.T) {
				for _, fault := range row.faults {
					row.try(t, fault, mackerel.AtLeastOnce, row.atLeast)
					row.try(t, fault, mackerel.AtMostOnce, row.atMost)
				}
			})
		}
	}
}

// try sends an alert in a delivery mode, and compares the outcome with a cell of the table.
func (row retryRow) try(t *testing.T, fault retryFault, mode mackerel.Delivery, cell string) {
	t.Helper()
	for name, send := range map[string]func(*testing.T, retryFault, mackerel.Delivery) (int, error){
		"chatwork": sendToChatwork, "slack": sendToSlack,
	} {
		synctest.Test(t, func(t *testing.T) {
			attempts, err := send(t, fault, mode)
			want := 3
			if strings.HasPrefix(cell, row.triedOnce) {
				want = 1
			}
			if attempts != want {
				t.Errorf("%s %+v, %v: %d attempts, but the table says %q", name, fault, mode, attempts, cell)
			}
			for kindName, kind := range kindNames {
				if errors.Is(err, kind) != strings.Contains(cell, "`"+kindName+"`") {
					t.Errorf("%s %+v, %v: the error is %v, but the table says %q", name, fault, mode, err, cell)
				}
			}
		})
	}
}

var kindNames = map[string]error{
	"ErrInvalid": mackerel.ErrInvalid, "ErrUnauthorized": mackerel.ErrUnauthorized, "ErrNotFound": mackerel.ErrNotFound,
	"ErrRateLimited": mackerel.ErrRateLimited, "ErrUnavailable": mackerel.ErrUnavailable,
	"ErrAmbiguous": mackerel.ErrAmbiguous, "ErrUnsupported": mackerel.ErrUnsupported,
}

func sendToChatwork(t *testing.T, fault retryFault, mode mackerel.Delivery) (attempts int, err error) {
	fake := chatworktest.New()
	defer fake.Close()
	c := fake.MemoryConfig()
	c.Call = fault.call(fake.Server, c.Call, mode)
	n, err := chatwork.New(c)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := n.Deliver(t.Context(), failedBackup)
	return receipt.Attempts, err
}

func sendToSlack(t *testing.T, fault retryFault, mode mackerel.Delivery) (attempts int, err error) {
	fake := slacktest.New()
	defer fake.Close()
	c := fake.MemoryConfig()
	c.Call = fault.call(fake.Server, c.Call, mode)
	n, err := slack.New(c)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := n.Deliver(t.Context(), failedBackup)
	return receipt.Attempts, err
}

var failedBackup = mackerel.Alert{ID: "backup", Status: mackerel.StatusCritical, Message: "the nightly backup failed"}

// call returns the options of a call that meets the fault.
func (f retryFault) call(fake *fakehttp.Server, o mackerel.CallOptions, mode mackerel.Delivery) mackerel.CallOptions {
	fake.Inject(f.answer)
	o.Delivery = mode
	if f.dial != nil {
		o.Client = &http.Client{Transport: &http.Transport{
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: f.dial}
			},
		}}
	}
	return o
}
