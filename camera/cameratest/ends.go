package cameratest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/edge-adapt/edge/camera"
)

// wanted returns an error unless err is the one that Read should have returned.
func wanted(err, want error) error {
	if errors.Is(err, want) {
		return nil
	}
	if err == nil {
		return fmt.Errorf("no error, want: %w", want)
	}
	return fmt.Errorf("%w, want: %w", err, want)
}

func (s *suite) closeTwice() {
	source := s.open(s.Open)
	var f camera.Frame
	s.read(source, &f)
	s.close(source)
	s.close(source)
	s.await("Read after Close", func() error {
		return wanted(source.Read(context.Background(), &f), camera.ErrClosed)
	})

	unread := s.open(s.Open)
	s.close(unread)
}

// next reads until there is an error other than that of a single picture.
func next(ctx context.Context, source camera.Source, frames int) error {
	var f camera.Frame
	for range frames {
		err := source.Read(ctx, &f)
		var skipped *camera.Skipped
		if err != nil && !errors.As(err, &skipped) {
			return err
		}
	}
	return nil
}

// closeAnyTime closes sources from another goroutine while frames are read as fast
// as they come, a little later each time.
func (s *suite) closeAnyTime() {
	for round := range 8 {
		source := s.open(s.Open)
		s.await("Read beside Close", func() error {
			time.AfterFunc(time.Duration(round)*3*time.Millisecond, func() { _ = source.Close() })
			err := next(context.Background(), source, math.MaxInt)
			if err == io.EOF { //nolint:errorlint // not wrapped
				return nil
			}
			return wanted(err, camera.ErrClosed)
		})
		s.close(source)
	}
}

func (s *suite) endedContext() {
	source := s.open(s.Open)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.await("Read under an ended context", func() error {
		// A frame that is there already may still be given, but not for ever.
		return wanted(next(ctx, source, s.Frames), context.Canceled)
	})
	s.close(source)
}

func (s *suite) ends() {
	source := s.open(s.Open)
	var f camera.Frame
	for range s.Frames {
		s.read(source, &f)
	}
	s.stays(source, func(err error) bool { return err == io.EOF }) //nolint:errorlint // not wrapped
	s.close(source)
}

func (s *suite) fails() {
	source := s.open(s.OpenFailing)
	failed := func(err error) bool {
		return err != nil && err != io.EOF && !errors.Is(err, camera.ErrClosed) //nolint:errorlint // not wrapped
	}
	s.await("a failing source", func() error {
		if err := next(context.Background(), source, math.MaxInt); !failed(err) {
			return fmt.Errorf("%w, as if all were well", err)
		}
		return nil
	})
	s.stays(source, failed)
	s.close(source)
}

// stays reads three times and wants the same kind of error each time.
func (s *suite) stays(source camera.Source, ok func(error) bool) {
	s.Helper()
	s.await("Read after the end", func() error {
		var f camera.Frame
		for range 3 {
			if err := source.Read(context.Background(), &f); !ok(err) {
				return fmt.Errorf("it was over, and now it says: %v", err) //nolint:errorlint // may be nil
			}
		}
		return nil
	})
}

// waiting starts a Read of an idle source and gives it a moment to begin to wait.
func (s *suite) waiting(ctx context.Context, source camera.Source) <-chan error {
	done := make(chan error, 1)
	go func() {
		var f camera.Frame
		done <- source.Read(ctx, &f)
	}()
	select {
	case err := <-done:
		s.Fatalf("Read of an idle source does not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	return done
}

func (s *suite) closeEndsRead() {
	source := s.open(s.OpenIdle)
	done := s.waiting(context.Background(), source)
	s.close(source)
	s.await("a Read that Close ends", func() error { return wanted(<-done, camera.ErrClosed) })
}

func (s *suite) contextEndsRead() {
	source := s.open(s.OpenIdle)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := s.waiting(ctx, source)
	cancel()
	s.await("a Read whose context ends", func() error { return wanted(<-done, context.Canceled) })
	s.close(source)
}

// feed runs the source in a Feed, which is how it is used.
func (s *suite) feed() {
	feed := camera.NewFeed(camera.FeedOptions{Open: s.Open})
	ctx, cancel := context.WithTimeout(context.Background(), s.Patience)
	defer cancel()
	ran := make(chan error, 1)
	go func() { ran <- feed.Run(ctx) }()
	var held *camera.Frame
	var last uint64
	for range min(s.Frames, 3) {
		frame, err := feed.Next(ctx, held)
		if err == io.EOF && s.Ends { //nolint:errorlint // not wrapped
			break // the newest frame won, and it was the last
		}
		if err != nil {
			s.Fatalf("next: %v", err)
		}
		if frame.Number <= last {
			s.Errorf("frame %d came after frame %d", frame.Number, last)
		}
		held, last = frame, frame.Number
	}
	cancel()
	s.await("Run", func() error { return <-ran })
	if stats := feed.Stats(); stats.Frames == 0 || stats.State != camera.Ended {
		s.Errorf("after the end: %+v", stats)
	}
}
