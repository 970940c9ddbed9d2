package models

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// BeChild is the process of those tests that need another one: TestMain calls it
// first. It returns where there is nothing of the kind to be.
func BeChild() {
	dir := os.Getenv("EDGE_TEST_CHILD_STORE")
	if dir == "" {
		return
	}
	if err := child(os.Getenv("EDGE_TEST_CHILD"), dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child is what such a process does. It says a line when it has begun, and a
// line for each generation that it was told is active.
func child(role, dir string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	switch role {
	case "learn": // until killed
		all, _ := s.Generations(lamps)
		fmt.Println("begun")
		for round := len(all) + 1; ; round++ {
			n, err := learn(s, lamps, round)
			if err != nil {
				return err
			}
			fmt.Println(n)
		}
	case "learn ten":
		fmt.Println("begun")
		for round := 1; round <= 10; round++ {
			n, err := learn(s, lamps, round)
			if err != nil {
				return err
			}
			fmt.Println(n)
		}
	case "roll": // until killed
		fmt.Println("begun")
		for {
			if err := roll(s); err != nil {
				return err
			}
		}
	case "keep house": // until killed
		fmt.Println("begun")
		for {
			if err := keepHouse(s); err != nil {
				return err
			}
		}
	case "hold":
		lock, err := s.lockTask(context.Background(), lamps)
		if err != nil {
			return err
		}
		defer lock.release()
		fmt.Println("begun")
		bufio.NewReader(os.Stdin).ReadByte() // until the parent lets go
	}
	return nil
}

// startChild starts a child and waits until it has begun. Its lines are to be
// read from the scanner; letGo ends its input.
func startChild(t *testing.T, role, dir string) (cmd *exec.Cmd, lines *bufio.Scanner, letGo func()) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "EDGE_TEST_CHILD="+role, "EDGE_TEST_CHILD_STORE="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	lines = bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "begun" {
		t.Fatalf("the child said %q", lines.Text())
	}
	return cmd, lines, func() { in.Close() }
}

func TestKilledAtRandomInstants(t *testing.T) {
	const kills = 40
	s := open(t, memoryDir(t))
	_, err := learn(s, lamps, 1)
	must(t, err)
	rng := rand.New(rand.NewPCG(3, 40))
	checked, told := 1, 1
	for range kills {
		cmd, lines, _ := startChild(t, "learn", s.Dir())
		time.Sleep(time.Duration(rng.IntN(40_000)) * time.Microsecond)
		must(t, cmd.Process.Kill())
		for lines.Scan() {
			fmt.Sscan(lines.Text(), &told)
		}
		cmd.Wait() //nolint:errcheck // it was killed

		active, err := checkWhole(s, lamps, checked)
		if err != nil {
			t.Fatalf("after generation %d: %v", told, err)
		}
		if active.Current < told {
			t.Fatalf("generation %d is active, %d was before", active.Current, told)
		}
		checked = active.Current
	}
	n, err := learn(s, lamps, 1000)
	must(t, err)
	if left := leftovers(t, s); len(left) > 0 {
		t.Errorf("garbage stays: %v", left)
	}
	t.Logf("%d generations in %d lives", n, kills)
}

// roll does every deed once, on a store that has three generations.
func roll(s *Store) error {
	ctx := context.Background()
	if err := s.Activate(ctx, lamps, 3, "better"); err != nil {
		return err
	}
	if _, err := s.Starting(ctx, lamps); err != nil {
		return err
	}
	if err := s.Started(ctx, lamps); err != nil {
		return err
	}
	if err := s.MarkGood(ctx, lamps, 3, "it works"); err != nil {
		return err
	}
	_, err := s.Rollback(ctx, lamps, 3, ByPerson, "it does not")
	return err
}

func TestKilledWhileRollingBack(t *testing.T) {
	const kills = 15
	s := open(t, memoryDir(t))
	for round := 1; round <= 3; round++ {
		_, err := learn(s, lamps, round)
		must(t, err)
	}
	must(t, s.MarkGood(t.Context(), lamps, 2, ""))
	rng := rand.New(rand.NewPCG(7, 15))
	for range kills {
		cmd, _, _ := startChild(t, "roll", s.Dir())
		time.Sleep(time.Duration(rng.IntN(20_000)) * time.Microsecond)
		must(t, cmd.Process.Kill())
		cmd.Wait() //nolint:errcheck // it was killed
		active, err := checkWhole(s, lamps, 0)
		if err != nil || active.Current < 2 {
			t.Fatalf("%d is active, %v", active.Current, err)
		}
		if good, err := s.Good(lamps); err != nil || len(good) == 0 {
			t.Fatalf("good: %+v, %v", good, err)
		}
		must(t, roll(s))
		rollBack(t, s, 3, 2)
	}
	past, err := s.History(lamps)
	must(t, err)
	t.Logf("%d activations in %d lives", len(past), kills)
}

// keepHouse learns, pins, collects and checks.
func keepHouse(s *Store) error {
	ctx := context.Background()
	all, err := s.Generations(lamps)
	if err != nil {
		return err
	}
	n, err := learn(s, lamps, all[len(all)-1].Generation+1)
	if err != nil {
		return err
	}
	if err := s.MarkGood(ctx, lamps, n, ""); err != nil {
		return err
	}
	if err := s.Pin(ctx, lamps, n, "the last"); err != nil {
		return err
	}
	for _, g := range all {
		if g.Generation == 1 {
			continue // which stays pinned
		}
		if err := s.Unpin(ctx, lamps, g.Generation); err != nil {
			return err
		}
	}
	if _, err := s.GC(ctx, GCOptions{Newest: 1}); err != nil {
		return err
	}
	r, err := s.Fsck(ctx, FsckOptions{Repair: true})
	if err == nil && r.Damage() > 0 {
		err = fmt.Errorf("damaged: %+v", r.Findings)
	}
	return err
}

func TestCrashKilledWhileKeepingHouse(t *testing.T) {
	const kills = 20
	s := open(t, memoryDir(t))
	_, err := learn(s, lamps, 1)
	must(t, err)
	must(t, s.Pin(t.Context(), lamps, 1, ""))
	rng := rand.New(rand.NewPCG(11, kills))
	for range kills {
		cmd, _, _ := startChild(t, "keep house", s.Dir())
		time.Sleep(time.Duration(rng.IntN(40_000)) * time.Microsecond)
		must(t, cmd.Process.Kill())
		cmd.Wait() //nolint:errcheck // it was killed
		if _, err := checkWhole(s, lamps, 0); err != nil {
			t.Fatal(err)
		}
		r, err := s.Fsck(t.Context(), FsckOptions{})
		if err != nil || r.Damage() > 0 {
			t.Fatalf("%v%s", err, findings(r))
		}
		if _, err := s.Generation(lamps, 1); err != nil {
			t.Fatalf("the pinned one: %v", err)
		}
	}
	must(t, keepHouse(s))
	if left := leftovers(t, s); len(left) > 0 {
		t.Errorf("garbage stays: %v", left)
	}
	// The pinned one, the one in use, the one before, and where a rollback would go if a
	// kill came before that was marked good.
	if all, err := s.Generations(lamps); err != nil || len(all) > 4 {
		t.Errorf("%d generations are left, %v", len(all), err)
	}
}

func TestTwoProcessesLearnAtOnce(t *testing.T) {
	s := open(t, memoryDir(t))
	seen := make(map[string]bool)
	_, one, _ := startChild(t, "learn ten", s.Dir())
	_, two, _ := startChild(t, "learn ten", s.Dir())
	for _, lines := range []*bufio.Scanner{one, two} {
		for lines.Scan() {
			if seen[lines.Text()] {
				t.Errorf("generation %s was given twice", lines.Text())
			}
			seen[lines.Text()] = true
		}
	}
	if _, err := checkWhole(s, lamps, 0); err != nil {
		t.Error(err)
	}
	if all, _ := s.Generations(lamps); len(all) != 20 || len(seen) != 20 {
		t.Errorf("%d generations stored, %d reported, want 20", len(all), len(seen))
	}
	if left := leftovers(t, s); len(left) > 0 {
		t.Errorf("garbage stays: %v", left)
	}
}

func TestLockedTask(t *testing.T) {
	s := open(t, t.TempDir())
	_, err := learn(s, lamps, 1)
	must(t, err)
	second, err := commit(s, lamps, 2)
	must(t, err)
	cmd, _, letGo := startChild(t, "hold", s.Dir())

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	err = s.Activate(ctx, lamps, second, "")
	if !errors.Is(err, ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a locked task gave %v", err)
	}
	if pid := fmt.Sprintf("process %d ", cmd.Process.Pid); !strings.Contains(fmt.Sprint(err), pid) {
		t.Errorf("%q does not name %s", err, pid)
	}
	// Readers do not care, nor does another task.
	if g, err := s.Current(lamps); err != nil || g.Generation != 1 {
		t.Errorf("reading a locked task: %d, %v", g.Generation, err)
	}
	if _, err := checkWhole(s, lamps, 0); err != nil {
		t.Error(err)
	}
	if _, err := learn(s, "valves", 1); err != nil {
		t.Error(err)
	}
	// Who waits gets the lock when it is given back, and when its holder dies.
	letGo()
	must(t, s.Activate(context.Background(), lamps, second, ""))
	cmd, _, _ = startChild(t, "hold", s.Dir())
	must(t, cmd.Process.Kill())
	must(t, s.Activate(context.Background(), lamps, 1, ""))
}
