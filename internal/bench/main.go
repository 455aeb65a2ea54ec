// Command bench measures Latchkey against a floor in the same run and prints
// ratios: the times of one machine say little about another, what stands beside
// them does.
//
// It starts a provider that answers at once, a bare reverse proxy on the same
// framework (the floor), a TCP proxy (the limit), and the real binary on a fresh
// folder, each a process of its own. Measurements alternate between floor and
// Latchkey; of three, the median counts. CPU is of the process measured.
//
//	go run ./internal/bench [-binary bin/latchkey] [-seconds 2] [-only calls,start,pages,chat,lists,ledger]
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	part := flag.String("part", "", "run one part of the bench itself")
	to := flag.String("to", "", "where the part leads")
	binary := flag.String("binary", "bin/latchkey", "the binary to measure")
	length := flag.Float64("seconds", 2, "length of one measurement")
	only := flag.String("only", "calls,doors,start,pages,chat,lists,ledger", "what to measure")
	kinds := flag.String("calls", "plain,stream,refused,first,tcp,paced", "which of the calls to measure")
	clients := flag.String("clients", "1,16,64,256", "how many clients ask at once")
	flag.Parse()
	if *part != "" {
		log.Fatal(role(*part, *to))
	}
	b := &bench{binary: *binary, length: time.Duration(*length * float64(time.Second)), out: os.Stdout, kinds: strings.Split(*kinds, ",")}
	for _, text := range strings.Split(*clients, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			log.Fatalf("-clients: %q is no number of clients", text)
		}
		b.clients = append(b.clients, n)
	}
	defer b.close()
	if err := b.measure(strings.Split(*only, ",")); err != nil {
		b.close()
		log.Fatal(err)
	}
}

// bench is one run.
type bench struct {
	binary  string
	length  time.Duration
	out     io.Writer
	kinds   []string // of calls
	clients []int
	procs   []*process
}

// process is a part under way.
type process struct {
	*exec.Cmd
	address string
	started time.Duration // from nothing to its first answer, where that was measured
	stdin   io.WriteCloser
}

func (b *bench) measure(what []string) error {
	steps := []struct {
		name string
		do   func() error
	}{{"start", b.start}, {"pages", b.pages}, {"chat", b.chat}, {"calls", b.calls}, {"doors", b.doors}, {"ledger", b.ledger}, {"lists", b.lists}}
	for _, s := range steps {
		if slices.Contains(what, s.name) {
			if err := s.do(); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return nil
}

// spawn starts a part of the bench and waits for its address.
func (b *bench) spawn(part, to string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return b.begin(exec.Command(self, "-part", part, "-to", to), func(line string) string { return line })
}

func (b *bench) begin(cmd *exec.Cmd, find func(line string) string) (*process, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p := &process{Cmd: cmd}
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b.procs = append(b.procs, p)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if p.address = find(lines.Text()); p.address != "" {
			go io.Copy(io.Discard, out)
			return p, nil
		}
	}
	return nil, fmt.Errorf("%s said nothing", cmd.Path)
}

func (p *process) end() {
	p.stdin.Close()
	p.Process.Signal(os.Interrupt)
	p.Wait()
}

func (b *bench) close() {
	for _, p := range b.procs {
		if p.ProcessState == nil {
			p.end()
		}
	}
	b.procs = nil
}

// rounds is how often each measurement is made; the median counts.
const rounds = 3

// median runs a measurement of several subjects in turn, and returns for each the
// median by calls a second.
func (b *bench) median(subjects ...func() (result, error)) ([]result, error) {
	all := make([][]result, len(subjects))
	for range rounds {
		for i, s := range subjects {
			r, err := s()
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], r)
		}
	}
	out := make([]result, len(subjects))
	for i := range all {
		slices.SortFunc(all[i], func(a, c result) int { return int(a.perSecond - c.perSecond) })
		out[i] = all[i][rounds/2]
	}
	return out, nil
}

func (b *bench) title(text string) { fmt.Fprintf(b.out, "\n%s\n", text) }

func (b *bench) line(format string, args ...any) { fmt.Fprintf(b.out, "  "+format+"\n", args...) }
