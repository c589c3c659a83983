package route

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// settings are the notification groups and channels of an organization at a time.
type settings struct {
	groups   map[string]mackerel.NotificationGroup
	order    []string // of the groups, as Mackerel lists them
	channels map[string]mackerel.Channel
	listed   []mackerel.Channel // in Mackerel's order
}

// read returns the settings, which are read again after the refresh time. Several calls at a time share a reading.
func (r *Router) read(ctx context.Context) (*settings, error) {
	for {
		r.mu.Lock()
		s, fresh, loading := r.settings, time.Since(r.loaded) < r.config.Refresh, r.loading
		if s != nil && fresh {
			r.mu.Unlock()
			return s, nil
		}
		if loading == nil {
			r.loading = make(chan struct{})
			r.mu.Unlock()
			return r.load(ctx, s != nil)
		}
		r.mu.Unlock()
		if s != nil {
			return s, nil // the last copy, while another call reads
		}
		select {
		case <-loading:
		case <-ctx.Done():
			return nil, ended(ctx, "read groups")
		}
	}
}

// reloadTime is how long an alert waits for the settings to be read again.
const reloadTime = 5 * time.Second

// load reads the settings, and keeps the last copy if that fails.
func (r *Router) load(ctx context.Context, copied bool) (*settings, error) {
	if copied {
		limited, cancel := context.WithTimeout(ctx, reloadTime)
		defer cancel()
		ctx = limited
	}
	s, odd, err := r.fetch(ctx)
	r.mu.Lock()
	close(r.loading)
	r.loading = nil
	if err == nil {
		r.settings, r.loaded = s, time.Now()
	} else if s = r.settings; s != nil {
		r.loaded = time.Now() // try again after the refresh time
	}
	r.mu.Unlock()
	if err != nil {
		odd = append(odd, fmt.Errorf("notification groups are not read again: %w", err))
	}
	if s == nil {
		return nil, err
	}
	for _, problem := range odd {
		r.problem(ctx, problem)
	}
	return s, nil
}

func (r *Router) problem(ctx context.Context, err error) {
	if r.config.Problem != nil {
		r.config.Problem(ctx, err)
	}
}

// fetch reads the settings, and says what is odd in them.
func (r *Router) fetch(ctx context.Context) (s *settings, odd []error, err error) {
	if err := r.turns.wait(ctx); err != nil {
		return nil, nil, err
	}
	groups, err := r.config.Client.ListNotificationGroups(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := r.turns.wait(ctx); err != nil {
		return nil, nil, err
	}
	channels, err := r.config.Client.ListChannels(ctx)
	if err != nil {
		return nil, nil, err
	}
	s = &settings{
		groups: make(map[string]mackerel.NotificationGroup), channels: make(map[string]mackerel.Channel), listed: channels,
	}
	for _, c := range channels {
		s.channels[c.ID] = c
	}
	for _, g := range groups {
		s.groups[g.ID] = g
		s.order = append(s.order, g.ID)
	}
	return s, s.odd(), nil
}

// odd lists what is odd in the settings. None of it keeps an alert from being told.
func (s *settings) odd() []error {
	var all []error
	add := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	defaults := 0
	for _, id := range s.order {
		g := s.groups[id]
		if g.Type == mackerel.NotificationGroupDefault {
			defaults++
		}
		for _, child := range g.ChildNotificationGroupIDs {
			if _, ok := s.groups[child]; !ok {
				add("the notification group %q has a child group %s that does not exist", g.Name, child)
			}
		}
		for _, child := range g.ChildChannelIDs {
			if _, ok := s.channels[child]; !ok {
				add("the notification group %q has a channel %s that does not exist", g.Name, child)
			}
		}
		if !slices.Contains([]mackerel.Level{"", mackerel.LevelAll, mackerel.LevelCritical}, g.NotificationLevel) {
			add("the notification group %q has the unknown level %q, which is taken as all", g.Name, g.NotificationLevel)
		}
	}
	if defaults == 0 {
		all = append(all, errors.New("there is no default notification group: alerts that no group names are told to nobody"))
	}
	return all
}
