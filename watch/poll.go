package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// Poll asks Mackerel once, tells what has happened, and saves what was told. Its error joins everything that will be
// tried again with the next poll. Run calls it.
func (w *Watcher) Poll(ctx context.Context) error {
	if w.client == nil {
		return &mackerel.Error{Provider: "mackerel", Op: "watch", Kind: mackerel.ErrConfig, Message: "not made by New"}
	}
	if err := w.load(ctx); err != nil {
		return err
	}
	start := time.Now()
	alerts, missing, listErr := w.list(ctx, start)
	missingErr := w.getMissing(ctx, alerts, missing)
	jobs, err := w.jobs(ctx, alerts, start)
	err = errors.Join(listErr, missingErr, err, w.tell(ctx, jobs))
	if listErr != nil || ctx.Err() != nil {
		return errors.Join(err, w.save(context.WithoutCancel(ctx)))
	}
	w.state.Polled = start
	w.forget(start)
	return errors.Join(err, w.save(ctx))
}

// load reads the state, once.
func (w *Watcher) load(ctx context.Context) error {
	if w.loaded {
		return nil
	}
	s, err := w.config.Store.Load(ctx)
	switch {
	case errors.Is(err, ErrCorrupt):
		w.problem(ctx, err)
	case err != nil:
		return fmt.Errorf("watch: load the state: %w", err)
	}
	w.state, w.loaded = State{s.Polled, maps.Clone(s.Alerts)}, true
	if w.state.Alerts == nil {
		w.state.Alerts = make(map[string]Told)
	}
	return nil
}

func (w *Watcher) save(ctx context.Context) error {
	if err := w.config.Store.Save(ctx, State{w.state.Polled, maps.Clone(w.state.Alerts)}); err != nil {
		return fmt.Errorf("watch: save the state: %w", err)
	}
	return nil
}

// forget drops alerts whose closing was told and that are too old to be listed again.
func (w *Watcher) forget(now time.Time) {
	maps.DeleteFunc(w.state.Alerts, func(_ string, t Told) bool {
		return t.Closed && t.Opened.Before(now.Add(-2*late))
	})
	maps.DeleteFunc(w.pending, func(id string, _ pending) bool {
		_, known := w.state.Alerts[id]
		return !known
	})
}

// list returns the alerts about which there may be something to tell: those that are open, and the newest of those that
// are closed. The missing were open at the last poll and are in neither list. Together with an error, list returns what
// it found until then.
func (w *Watcher) list(
	ctx context.Context, now time.Time,
) (all map[string]mackerel.APIAlert, missing map[string]bool, err error) {
	all = make(map[string]mackerel.APIAlert)
	for a, err := range w.client.ListAlerts(ctx, mackerel.ListAlertsOptions{}) {
		if err != nil {
			return all, nil, err
		}
		a.Memo = "" // is not told, and may be long
		all[a.ID] = a
	}
	missing = make(map[string]bool)
	for id, t := range w.state.Alerts {
		if _, listed := all[id]; !listed && !t.Closed {
			missing[id] = true
		}
	}
	if err := w.listClosed(ctx, now, all, missing); err != nil {
		return all, nil, err
	}
	return all, missing, nil
}

// maxMissing is how many single alerts a poll asks for. The others are asked for in the next polls.
const maxMissing = 60

// getMissing adds alerts that are not in the lists. They come in any order, so that an alert that cannot be read does
// not keep the others waiting for ever.
func (w *Watcher) getMissing(ctx context.Context, all map[string]mackerel.APIAlert, missing map[string]bool) error {
	n := 0
	for id := range missing {
		if n++; n > maxMissing {
			return nil
		}
		a, err := w.client.GetAlert(ctx, id)
		switch {
		case errors.Is(err, mackerel.ErrNotFound):
			delete(w.state.Alerts, id)
			w.problem(ctx, fmt.Errorf("watch: alert %s no longer exists, and its end is not told: %w", id, err))
		case err != nil:
			return err
		default:
			a.Memo = ""
			all[id] = a
		}
	}
	return nil
}

// listClosed adds the alerts that opened since the last poll and are closed already. It goes on as long as each request
// finds more of those that are missing than requests for single alerts would.
func (w *Watcher) listClosed(
	ctx context.Context, now time.Time, all map[string]mackerel.APIAlert, missing map[string]bool,
) error {
	since := w.state.Polled.Add(-late)
	if w.state.Polled.IsZero() {
		since = now // at the first start, what is closed is not told
	}
	found, n := 0, 0
	for a, err := range w.client.ListAlerts(ctx, mackerel.ListAlertsOptions{WithClosed: true}) {
		if err != nil {
			return err
		}
		a.Memo = ""
		if n++; missing[a.ID] {
			delete(missing, a.ID)
			found++
		}
		recent := a.OpenedAt.After(since)
		if _, known := w.state.Alerts[a.ID]; recent || known {
			all[a.ID] = a
		}
		const page = 100
		if n%page == 0 {
			if !recent && found < 2 {
				return nil
			}
			found = 0
		}
		if !recent && len(missing) == 0 {
			return nil
		}
	}
	return nil
}

// A job is what has to be told about one alert, in the order in which it happened.
type job struct {
	id     string
	alert  mackerel.APIAlert
	events []event
}

// An event is a status that an alert got.
type event struct {
	alert mackerel.APIAlert // as it was then
	logs  []mackerel.AlertLog
	told  Told // what the state says when the event was told
}

// key names an event in all polls and processes.
func (e event) key() string {
	return e.alert.ID + " " + string(e.told.Status) + " " + e.told.At.UTC().Format(time.RFC3339)
}

// jobs returns what has to be told, the oldest first.
func (w *Watcher) jobs(ctx context.Context, alerts map[string]mackerel.APIAlert, now time.Time) ([]job, error) {
	var all []job
	var errs []error
	first, logs := w.state.Polled.IsZero(), w.config.LogCalls
	ids := slices.SortedFunc(maps.Keys(alerts), func(x, y string) int {
		return cmp.Or(alerts[x].OpenedAt.Compare(alerts[y].OpenedAt), cmp.Compare(x, y))
	})
	for _, id := range ids {
		a := alerts[id]
		told, known := w.state.Alerts[id]
		if told.Closed || told.Status == a.Status.Fold() && told.Closed == a.Closed() {
			continue // an alert that was not told has no status
		}
		if !known && first && w.config.SkipOpen {
			w.state.Alerts[id] = Told{Status: a.Status.Fold(), At: now, Opened: a.OpenedAt, Closed: a.Closed()}
			continue
		}
		if !known {
			w.state.Alerts[id] = Told{Opened: a.OpenedAt} // found, and not told yet
		}
		var history []mackerel.AlertLog
		if logs > 0 {
			logs--
			var err error
			if history, err = w.history(ctx, id); err != nil {
				errs, logs = append(errs, err), 0 // the others would have to wait for the next failure
			}
		}
		all = append(all, job{id, a, eventsOf(a, told, history, now)})
	}
	return all, errors.Join(errs...)
}

// maxHistory is how many changes of one alert are read.
const maxHistory = 300

// history returns the log of an alert, the oldest change first.
func (w *Watcher) history(ctx context.Context, id string) ([]mackerel.AlertLog, error) {
	var all []mackerel.AlertLog
	for l, err := range w.client.AlertLogs(ctx, id) {
		if err != nil {
			return nil, err
		}
		if all = append(all, l); len(all) == maxHistory {
			break
		}
	}
	slices.Reverse(all) // Mackerel has the newest first
	slices.SortStableFunc(all, func(x, y mackerel.AlertLog) int { return x.CreatedAt.Compare(y.CreatedAt) })
	return all, nil
}

// eventsOf returns what happened to an alert since it was told, in order. Without a log it is the status in the list.
// The log was read after the list: what follows the status of the list is told, too.
func eventsOf(a mackerel.APIAlert, told Told, history []mackerel.AlertLog, now time.Time) []event {
	var all []event
	last, present := told.Status, a.Status.Fold()
	skip, reached := len(history)-len(newer(history, told)), false
	for i, l := range history[skip:] {
		status := l.Status.Fold()
		reached = reached || status == present
		if status == last || status == mackerel.StatusOK && !a.Closed() {
			continue
		}
		then := a
		then.Status, then.Value, then.Message = l.Status, l.TargetValue, cmp.Or(l.Message, a.Message)
		if last = status; status != mackerel.StatusOK {
			then.ClosedAt = time.Time{}
		}
		all = append(all, event{then, history[:skip+i+1], Told{status, l.CreatedAt, a.OpenedAt, false}})
	}
	if !reached || len(all) == 0 { // the log is not read, or is behind the list
		all = append(all, event{a, history, Told{present, now, a.OpenedAt, false}})
	}
	end := &all[len(all)-1]
	if end.told.Closed = a.Closed(); end.told.Status == present {
		end.alert = a
	}
	return all
}

// newer returns the changes after the one that was told.
func newer(history []mackerel.AlertLog, told Told) []mackerel.AlertLog {
	for i := range slices.Backward(history) {
		l := history[i]
		if l.CreatedAt.Before(told.At) || l.CreatedAt.Equal(told.At) && l.Status.Fold() == told.Status {
			return history[i+1:]
		}
	}
	return history
}

// A result is what became of an event.
type result struct {
	id   string
	told Told
	err  error // it is told again with the next poll
}

// saveEvery is how long told alerts may be missing in the saved state. A process that is killed tells them again.
const saveEvery = time.Second

// saveShare is how many results, in parts of the alerts in the state, may be missing: with a hundred alerts, the state is
// saved after each result, with ten thousand after each hundred results.
const saveShare = 100

// tell tells all jobs, some of them at a time, and returns what has to be told again.
func (w *Watcher) tell(ctx context.Context, jobs []job) error {
	results := make(chan result)
	var workers sync.WaitGroup
	next := make(chan job, len(jobs))
	for _, j := range jobs {
		next <- j
	}
	close(next)
	var lock sync.Mutex // of w.pending
	for range min(w.config.Concurrency, len(jobs)) {
		workers.Go(func() {
			for j := range next {
				w.tellJob(ctx, j, &lock, results)
			}
		})
	}
	go func() {
		workers.Wait()
		close(results)
	}()
	var errs []error
	saved, unsaved := time.Now(), 0
	for r := range results {
		if r.err != nil {
			errs = append(errs, r.err)
			continue
		}
		w.state.Alerts[r.id] = r.told
		if unsaved++; unsaved*saveShare >= len(w.state.Alerts) || time.Since(saved) >= saveEvery {
			errs = append(errs, w.save(context.WithoutCancel(ctx)))
			saved, unsaved = time.Now(), 0
		}
	}
	return errors.Join(errs...)
}

// tellJob tells the events of one alert, up to the first that fails.
func (w *Watcher) tellJob(ctx context.Context, j job, lock *sync.Mutex, results chan<- result) {
	for _, e := range j.events {
		if ctx.Err() != nil {
			return
		}
		err := w.tellEvent(ctx, e, lock)
		results <- result{j.id, e.told, err}
		if err != nil {
			return
		}
	}
}

// tellEvent tells an event, or what is left of it. It returns an error if the event has to be told again.
func (w *Watcher) tellEvent(ctx context.Context, e event, lock *sync.Mutex) error {
	a, err := w.describer.Describe(ctx, e.alert, e.logs...)
	if err != nil {
		w.problem(ctx, fmt.Errorf("watch: alert %s is told without some of its names: %w", e.alert.ID, err))
	}
	lock.Lock()
	p := w.pending[e.alert.ID]
	lock.Unlock()
	if p.status != e.told.Status {
		p = pending{e.told.Status, e.key(), []mackerel.Notifier{w.config.Notifier}}
	}
	err = mackerel.DeliverAll(mackerel.WithDeliveryID(ctx, p.delivery), a, p.left...).Err()
	p.left = nil
	for _, f := range mackerel.Failures(err) {
		_, again := mackerel.Retry(f)
		if again || ctx.Err() != nil && !errors.Is(f, mackerel.ErrAmbiguous) {
			p.left = append(p.left, f.Notifier)
		} else if w.config.Undelivered != nil {
			w.config.Undelivered(ctx, a, f)
		}
	}
	lock.Lock()
	defer lock.Unlock()
	if len(p.left) == 0 {
		delete(w.pending, e.alert.ID)
		return nil
	}
	w.pending[e.alert.ID] = p
	return err
}
