package e2e

import (
	"bufio"
	"context"
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

	"github.com/chromedp/chromedp"

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

// browser is a Chromium of its own: nobody else's cookies.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// look is how a browser is set up.
type look struct {
	width, height int64
	phone, dark   bool
	language      string
	insecure      bool // takes any certificate, and keeps every site in one process, so that its frames can be read
}

var (
	desktop = look{width: 1440, height: 900, language: "en"}
	phone   = look{width: 390, height: 844, phone: true, dark: true, language: "zh-CN"}
)

// open starts a browser.
func open(t *testing.T, l look) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WindowSize(int(l.width), int(l.height)),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("accept-lang", l.language), chromedp.Flag("lang", l.language))
	if l.insecure {
		options = append(options, chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("disable-site-isolation-trials", true),
			chromedp.Flag("disable-features", "IsolateOrigins,site-per-process"))
	}
	if l.dark {
		options = append(options, chromedp.Flag("force-dark-mode", true))
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(alloc)
	b := &browser{t: t, ctx: ctx}
	t.Cleanup(func() {
		if t.Failed() {
			b.picture("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
		}
		cancel()
		stop()
	})
	// The first step starts the browser, which lives as long as that step's context.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	var emulate []chromedp.EmulateViewportOption
	if l.phone {
		emulate = append(emulate, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	b.do(chromedp.EmulateViewport(l.width, l.height, emulate...))
	return b
}

// wait is how long anything on a page may take: only a hang is longer, however busy
// the machine.
const wait = time.Minute

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v\nat %s\n%s", err, b.where(), b.text())
	}
}

// visit opens an address.
func (b *browser) visit(url string) { b.t.Helper(); b.do(chromedp.Navigate(url)) }

// until waits until a condition holds on the page, through navigations.
func (b *browser) until(what, condition string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for {
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
		if err == nil && holds {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.t.Fatalf("%s: not within %s (%v)\nat %s\n%s", what, wait, err, b.where(), b.text())
		}
	}
}

// says waits until the page shows a text.
func (b *browser) says(text string) {
	b.t.Helper()
	b.until("the page says "+text, fmt.Sprintf("document.body && document.body.innerText.includes(%q)", text))
}

// fill types into a field of the form, in place of what stands there.
func (b *browser) fill(name, value string) {
	b.t.Helper()
	selector := fmt.Sprintf(`[name=%q]`, name)
	b.until("there is a field "+name, "document.querySelector('"+selector+"')")
	b.eval("document.querySelector('" + selector + "').value = ''")
	b.do(chromedp.SendKeys(selector, value))
}

// choose picks one of a group of radio buttons, however it is drawn.
func (b *browser) choose(name, value string) {
	b.t.Helper()
	selector := fmt.Sprintf("[name=%q][value=%q]", name, value)
	b.until(selector, "document.querySelector('"+selector+"')")
	b.eval("document.querySelector('" + selector + "').click()")
}

// click presses the first thing that a selector finds and that can be seen.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.until(selector+" can be seen", fmt.Sprintf("[...document.querySelectorAll(%q)].some(e => e.offsetParent !== null || e.getClientRects().length)", selector))
	b.do(chromedp.Click(selector, chromedp.NodeVisible))
}

// eval runs a script in the page.
func (b *browser) eval(script string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void]("(() => {" + script + "})()"))
}

// value reads something from the page.
func (b *browser) value(script string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String("+script+")"))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return v
}

func (b *browser) where() string {
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	v, _ := chromedp.Run(ctx, chromedp.Location())
	return v
}

func (b *browser) text() string {
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	v, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body ? document.body.innerText.slice(0, 2000) : ''"))
	return v
}

// pictures is where a run leaves its pictures, where it is asked to.
var pictures = os.Getenv("PICTURES")

// picture takes one, if pictures are wanted.
func (b *browser) picture(name string) {
	if pictures == "" {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Logf("no picture %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(pictures, name+".png"), png, 0o644); err != nil {
		b.t.Log(err)
	}
}
