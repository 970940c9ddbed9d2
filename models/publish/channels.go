package publish

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/release"
)

// Channel makes a new channel, without releases.
func (r *Repository) Channel(ctx context.Context, name string) error {
	return r.change(ctx, "make the channel", func(_ Settings, s *state) (*proposal, error) {
		if err := release.CheckChannel(name); err != nil {
			return nil, err
		}
		if _, ok := s.channels[name]; ok {
			return nil, fmt.Errorf("channel %q is %w", name, ErrThere)
		}
		r.touch(s, release.Channel{Name: name, Releases: []release.Release{}})
		return &proposal{}, nil
	})
}

// edit lets fn change a release in a channel, or in every channel that has it if
// channel is "". Releases that stay as they are change nothing.
func (r *Repository) edit(ctx context.Context, what, channel string, number int, fn func(*release.Release) error) error {
	return r.change(ctx, fmt.Sprintf("%s release %d", what, number), func(_ Settings, s *state) (*proposal, error) {
		names := []string{channel}
		if channel == "" {
			names = slices.Sorted(maps.Keys(s.channels))
		}
		found := false
		for _, name := range names {
			c, err := s.channel(name)
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(c.Releases, func(rel release.Release) bool { return rel.Number == number })
			if i < 0 {
				continue
			}
			found = true
			before := c.Releases[i]
			if err := fn(&c.Releases[i]); err != nil {
				return nil, err
			}
			if after := c.Releases[i]; after.Rollout != before.Rollout || after.Revoked != before.Revoked {
				r.touch(s, c)
			}
		}
		if !found {
			return nil, noRelease(number, channel)
		}
		return &proposal{}, nil
	})
}

func noRelease(number int, channel string) error {
	err := fmt.Errorf("release %d is %w", number, ErrNotFound)
	if channel != "" {
		err = fmt.Errorf("release %d of channel %q is %w", number, channel, ErrNotFound)
	}
	return hint.Wrap(err, "edge publish status lists them")
}

// Rollout lets percent of the devices take a release. Devices that have it keep it
// when the number falls. channel "" means every channel that has the release, here
// and below.
func (r *Repository) Rollout(ctx context.Context, channel string, number int, percent float64) error {
	return r.edit(ctx, "roll out", channel, number, func(rel *release.Release) error {
		switch {
		case !(percent >= 0 && percent <= 100):
			return fmt.Errorf("to %v %%: want 0 to 100", percent)
		case rel.Revoked != "":
			return fmt.Errorf("it is %w: %s", ErrRevoked, rel.Revoked)
		case rel.Rollout.Halted != "":
			return hint.Wrap(fmt.Errorf("its roll-out is %w: %s", ErrHalted, rel.Rollout.Halted), fmt.Sprintf("let it go on first: edge publish resume %d", number))
		}
		rel.Rollout.Percent = percent
		return nil
	})
}

// Halt lets no further device take a release until Resume. One that is halted
// keeps its first reason.
func (r *Repository) Halt(ctx context.Context, channel string, number int, reason string) error {
	if reason == "" {
		return fmt.Errorf("halt release %d: no reason given", number)
	}
	return r.edit(ctx, "halt", channel, number, func(rel *release.Release) error {
		if rel.Rollout.Halted == "" {
			rel.Rollout.Halted = reason
		}
		return nil
	})
}

// Resume ends a halt.
func (r *Repository) Resume(ctx context.Context, channel string, number int) error {
	return r.edit(ctx, "resume", channel, number, func(rel *release.Release) error {
		rel.Rollout.Halted = ""
		return nil
	})
}

// Revoke says for good that nobody is to use a release: devices that do go back,
// and files that no other release names can no longer be fetched.
func (r *Repository) Revoke(ctx context.Context, channel string, number int, reason string) error {
	if reason == "" {
		return fmt.Errorf("revoke release %d: no reason given", number)
	}
	return r.edit(ctx, "revoke", channel, number, func(rel *release.Release) error {
		if rel.Revoked == "" {
			rel.Revoked = reason
		}
		return nil
	})
}

// Promote puts a release of one channel into another as well, for percent of its
// devices.
func (r *Repository) Promote(ctx context.Context, number int, from, to string, percent float64) error {
	return r.change(ctx, fmt.Sprintf("promote release %d", number), func(_ Settings, s *state) (*proposal, error) {
		source, err := s.channel(from)
		if err != nil {
			return nil, err
		}
		target, err := s.channel(to)
		if err != nil {
			return nil, err
		}
		rel, ok := source.Find(number)
		switch {
		case !ok:
			return nil, noRelease(number, from)
		case rel.Revoked != "":
			return nil, fmt.Errorf("it is %w: %s", ErrRevoked, rel.Revoked)
		case rel.Rollout.Halted != "":
			return nil, fmt.Errorf("its roll-out is %w: %s", ErrHalted, rel.Rollout.Halted)
		case !(percent >= 0 && percent <= 100):
			return nil, fmt.Errorf("to %v %%: want 0 to 100", percent)
		}
		for _, other := range target.Releases {
			if other.Number == number {
				return nil, hint.Wrap(fmt.Errorf("it is %w in channel %q", ErrThere, to), fmt.Sprintf("edge publish roll-out %d --channel %s --percent P changes how many take it", number, to))
			}
			if other.Number > number && other.Task == rel.Task && other.Revoked == "" {
				return nil, hint.Wrap(fmt.Errorf("channel %q has the newer release %d, so no device would take it", to, other.Number), "publish it again: edge publish add")
			}
		}
		if target.Releases, err = withRoom(target.Releases); err != nil {
			return nil, err
		}
		rel.Rollout.Percent = percent
		target.Releases = append(target.Releases, rel)
		slices.SortFunc(target.Releases, func(a, b release.Release) int { return a.Number - b.Number })
		r.touch(s, target)
		return &proposal{}, nil
	})
}
