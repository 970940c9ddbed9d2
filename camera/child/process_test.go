package child

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/internal/hint"
)

const patience = 20 * time.Second

// TestMain makes this program a parent that can be killed, see TestDiesWithItsParent.
func TestMain(m *testing.M) {
	if os.Getenv("EDGE_TEST_PARENT") == "" {
		goleak.VerifyTestMain(m)
		return
	}
	p, err := Start(Options{Program: "sleep", Args: []string{"1000"}})
	if err != nil {
		panic(err)
	}
	fmt.Println(p.cmd.Process.Pid)
	select {}
}

func shell(t *testing.T, script string, change ...func(*Options)) *Process {
	t.Helper()
	o := Options{Program: "sh", Args: []string{"-c", script}}
	for _, c := range change {
		c(&o)
	}
	p, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// gone waits until a process has ended.
func gone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(status), ") Z ") {
			return
		}
	}
	t.Errorf("process %d is still there", pid)
}

func TestReadsToTheEnd(t *testing.T) {
	p := shell(t, "head -c 300000 /dev/zero; echo progress >&2")
	out, err := io.ReadAll(p)
	if err != nil || len(out) != 300000 {
		t.Errorf("%d bytes, %v", len(out), err)
	}
	if _, err := p.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read at the end: %v, want EOF", err)
	}
}

func TestSaysWhatTheProgramSaid(t *testing.T) {
	p := shell(t, `printf 'one\ntwo\nprogress 1\rprogress 2\rno such camera\nno such camera\n  \033[1mpass s3cret!\033[0m\n' >&2; exit 7`,
		func(o *Options) { o.Hide = []string{"", "s3cret!"} })
	_, err := io.ReadAll(p)
	want := "sh ended with exit code 7: progress 2; no such camera; [1mpass ***[0m"
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	if _, again := p.Read(make([]byte, 1)); again == nil || again.Error() != want {
		t.Errorf("the next read: %v", again)
	}

	p = shell(t, "kill -SEGV $$")
	if _, err = io.ReadAll(p); err == nil || !strings.Contains(err.Error(), "segmentation fault") {
		t.Errorf("a crash: %v", err)
	}
}

func TestMissingProgram(t *testing.T) {
	for _, name := range []string{"no-such-program-of-edge", filepath.Join(t.TempDir(), "ffmpeg")} {
		_, err := Start(Options{Program: name, Install: "apt-get install it"})
		if !errors.Is(err, camera.ErrUnsupported) || hint.Of(err) != "apt-get install it" || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, hint %q", err, hint.Of(err))
		}
	}
	// There, executable, and no program.
	path := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(path, []byte("\x00\x01"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(Options{Program: path}); err == nil || !strings.Contains(err.Error(), "does not start") {
		t.Errorf("%v", err)
	}
}

func TestInput(t *testing.T) {
	p := shell(t, "cat", func(o *Options) { o.Stdin = true })
	if _, err := p.Write([]byte("there and back")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 14)
	if _, err := io.ReadFull(p, b); err != nil || string(b) != "there and back" {
		t.Errorf("%q, %v", b, err)
	}
	if err := p.CloseInput(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Read(b); err != io.EOF {
		t.Errorf("%v, want EOF", err)
	}
	p.Close()
	if _, err := p.Write(b); !errors.Is(err, camera.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

func TestWriteToAProgramThatEnded(t *testing.T) {
	p := shell(t, "echo enough >&2; exit 1", func(o *Options) { o.Stdin = true })
	if _, err := io.ReadAll(p); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("%v", err)
	}
	if _, err := p.Write([]byte("more")); err == nil {
		t.Error("a program that has ended took input")
	}
}

// A program that will not end, and helpers that it started, are ended.
func TestCloseEndsTheGroup(t *testing.T) {
	p := shell(t, `trap '' TERM; sleep 1001 & echo $!; while :; do sleep 1002; done`)
	line, err := bufio.NewReader(p).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	helper, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	p.Close()
	if err := syscall.Kill(p.cmd.Process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the program is still there: %v", err)
	}
	gone(t, helper)
}

// A helper that outlives the program holds its output open; it goes with it.
func TestHelperIsNotWaitedFor(t *testing.T) {
	p := shell(t, `sleep 1003 & echo $!`)
	out, err := io.ReadAll(p)
	if err != nil {
		t.Fatal(err)
	}
	helper, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	gone(t, helper)
}

func TestCloseAsksFirst(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	p := shell(t, `trap 'echo device given back > '"$0"'; exit' TERM; echo ready; while :; do sleep 0.05; done`,
		func(o *Options) { o.Args = append(o.Args, mark) })
	if _, err := p.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if b, err := os.ReadFile(mark); err != nil || !strings.Contains(string(b), "given back") {
		t.Errorf("%q, %v", b, err)
	}
}

func TestCloseEndsRead(t *testing.T) {
	p := shell(t, "sleep 1004")
	done := make(chan error, 1)
	go func() {
		_, err := p.Read(make([]byte, 1))
		done <- err
	}()
	time.Sleep(20 * time.Millisecond)
	p.Close()
	select {
	case err := <-done:
		if !errors.Is(err, camera.ErrClosed) {
			t.Errorf("%v, want ErrClosed", err)
		}
	case <-time.After(patience):
		t.Error("the read goes on")
	}
}

func TestDiesWithItsParent(t *testing.T) {
	// Under an emulator it is the emulator that has to be started.
	command := append(strings.Fields(os.Getenv("EDGE_TEST_LAUNCHER")), os.Args[0])
	parent := exec.Command(command[0], command[1:]...)
	parent.Env = append(os.Environ(), "EDGE_TEST_PARENT=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	parent.Wait()
	gone(t, pid)
}

func TestRun(t *testing.T) {
	out, err := Run(t.Context(), Options{Program: "sh", Args: []string{"-c", "echo version 1; exec yes"}}, 9)
	if err != nil || string(out) != "version 1" {
		t.Errorf("%q, %v", out, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Run(ctx, Options{Program: "sleep", Args: []string{"1005"}}, 9); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the context's", err)
	}
}
