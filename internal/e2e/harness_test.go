package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/upstream/faulty"
)

// binary is the product, built with the race detector for all tests.
var binary string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "latchkey-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(folder, "latchkey")
	build := exec.Command("go", "build", "-race", "-o", binary, "latchkey/cmd/latchkey")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// server is the binary at work on a fresh folder.
type server struct {
	url, code, folder string
	cmd               *exec.Cmd
	log               *logText
}

// logText keeps what the server writes to standard error.
type logText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// serve starts the binary. Providers of the test may be reached.
func serve(t *testing.T, up *faulty.Server, args ...string) *server {
	t.Helper()
	s := &server{folder: filepath.Join(t.TempDir(), "data"), log: &logText{}}
	s.start(t, up, true, args...)
	return s
}

// start starts the binary; first says that nobody has set it up, so that it prints
// a code.
func (s *server) start(t *testing.T, up *faulty.Server, first bool, args ...string) {
	t.Helper()
	s.url, s.code = "", ""
	s.cmd = exec.Command(binary, append([]string{"serve", "--data", s.folder, "--addr", "127.0.0.1:0"}, args...)...)
	s.cmd.Env = append(os.Environ(), "LATCHKEY_DRAIN=2s")
	if up != nil {
		s.cmd.Env = append(s.cmd.Env, "LATCHKEY_PRIVATE_HOSTS="+strings.Join(up.Private(), ","))
	}
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(t) })
	lines := bufio.NewScanner(out)
	for s.url == "" || first && s.code == "" {
		if !lines.Scan() {
			t.Fatalf("the server did not start: %s", s.log)
		}
		if address, ok := strings.CutPrefix(lines.Text(), "Latchkey is listening on "); ok {
			s.url = address
		}
		if code, ok := strings.CutPrefix(lines.Text(), "Set-up code: "); ok {
			s.code = code
		}
	}
	go io.Copy(io.Discard, out)
}

// stop ends the server and reads its log for faults.
func (s *server) stop(t *testing.T) {
	if s.cmd == nil || s.cmd.ProcessState != nil {
		return
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	for _, word := range []string{"DATA RACE", "panic", `"level":"ERROR"`} {
		if strings.Contains(s.log.String(), word) {
			t.Errorf("the server's log holds %s:\n%s", word, s.log)
			break
		}
	}
}

// run runs a command of the binary on the server's folder.
func (s *server) run(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command(binary, append(args, "--data", s.folder)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("latchkey %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// wait is how long anything on a page may take: only a hang is longer, however busy
// the machine.
const wait = time.Minute
