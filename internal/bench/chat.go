package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"latchkey/internal/control"
)

// How the chat is measured.
const (
	chatsAtOnce = 64
	chatsOpen   = 500
	thinking    = 300 * time.Millisecond // of the provider, so that every page is listening by then
	wordEvery   = 20 * time.Millisecond
	wordsMost   = 100
	openFor     = 60 * time.Second // that the provider of an open chat goes on
)

// chat measures what the customer's page is judged by: how long after the
// provider's first byte its first word is there, what an open chat costs, what the
// page weighs, and how soon a browser that never saw it can use it.
func (b *bench) chat() error {
	p, err := startTalker()
	if err != nil {
		return err
	}
	defer p.listener.Close()
	h, err := newHouse(p.listener.Addr().String())
	if err != nil {
		return err
	}
	defer os.RemoveAll(h.folder)
	link, err := h.link()
	if err != nil {
		return err
	}
	own, err := b.serve(h, p.listener.Addr().String())
	if err != nil {
		return err
	}
	defer own.end()
	rest := memoryOf(own.Process.Pid)
	c, err := enterChat("http://"+own.address, link)
	if err != nil {
		return err
	}
	b.title("The customer's chat (goals: first word 20 ms at p99 with 64 chats, 500 open chats 100 MiB over idle, the page 60 KB, used after 300 ms)")
	if err := b.weigh(c); err != nil {
		return err
	}
	if err := b.coldLoad(c); err != nil {
		return err
	}
	if err := b.openChats(c, own, rest); err != nil {
		return err
	}
	return b.firstWords(c, p)
}

// link makes a share link with a customer, and lets go of the file.
func (h *house) link() (string, error) {
	ctx, name, password := context.Background(), "guest", ownerPassword
	s, err := h.control.CreateShare(ctx, h.owner, control.ShareForm{Bot: &h.bot.PublicID})
	if err != nil {
		return "", err
	}
	_, err = h.control.CreateCustomer(ctx, h.owner, control.CustomerForm{Username: &name, Password: &password})
	return s.Secret, errors.Join(err, h.close())
}

// talker is a provider that notes when each question's first byte went out.
type talker struct {
	listener net.Listener
	mu       sync.Mutex
	first    map[string]time.Time
}

func startTalker() (*talker, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &talker{listener: l, first: map[string]time.Time{}}
	go http.Serve(l, p)
	return p, nil
}

func (p *talker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Messages []struct{ Content string }
	}
	if json.NewDecoder(r.Body).Decode(&asked) != nil || len(asked.Messages) == 0 {
		http.Error(w, "{}", http.StatusBadRequest)
		return
	}
	question := asked.Messages[len(asked.Messages)-1].Content
	w.Header().Set("Content-Type", "text/event-stream")
	time.Sleep(thinking)
	p.mu.Lock()
	p.first[question] = time.Now()
	p.mu.Unlock()
	words, every := wordsMost, wordEvery
	if strings.HasPrefix(question, "open") {
		words, every = int(openFor/time.Second), time.Second
	}
	for range words {
		if _, err := io.WriteString(w, `data: {"choices":[{"index":0,"delta":{"content":"some words "}}]}`+"\n\n"); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		time.Sleep(every)
	}
	io.WriteString(w, `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":9,"total_tokens":18}}`+"\n\ndata: [DONE]\n\n")
}

func (p *talker) when(question string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.first[question]
}

// chatter is a browser with the customer signed in.
type chatter struct {
	*http.Client
	home, base string
}

func enterChat(home, link string) (*chatter, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c := &chatter{Client: &http.Client{Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: chatsOpen, DisableCompression: true}}, home: home, base: home + "/s/" + link}
	resp, err := c.PostForm(c.base+"/login", url.Values{"username": {"guest"}, "password": {ownerPassword}})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err == nil && !bytes.Contains(page, []byte(`id="composer"`)) {
		err = errors.New("the customer could not sign in")
	}
	return c, err
}

var followed = regexp.MustCompile(`data-follow="([^"]+)"`)

// ask sends a question as the page's script does, and opens its answer. It returns
// when the first word came.
func (c *chatter) ask(question string) (first time.Time, body io.Closer, err error) {
	form := url.Values{"question": {question}}
	request, err := http.NewRequest(http.MethodPost, c.base+"/ask", strings.NewReader(form.Encode()))
	if err != nil {
		return first, nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("HX-Request", "true")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := c.Do(request)
	if err != nil {
		return first, nil, err
	}
	asked, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	found := followed.FindSubmatch(asked)
	if err != nil || found == nil {
		return first, nil, errors.Join(err, fmt.Errorf("%q was not taken: %d %.300s", question, resp.StatusCode, asked))
	}
	if resp, err = c.Get(c.home + string(found[1])); err != nil {
		return first, nil, err
	}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data: ") {
			first = time.Now()
			go io.Copy(io.Discard, resp.Body)
			return first, resp.Body, nil
		}
	}
	resp.Body.Close()
	return first, nil, fmt.Errorf("%q: no word came: %v", question, lines.Err())
}

// atOnce asks n questions, so many together, and returns how long after the provider's first
// byte the first word of each was there.
func (c *chatter) atOnce(n, together int, kind string, after func(question string) time.Time) (delays []time.Duration, open []io.Closer, err error) {
	var mu sync.Mutex
	var wait sync.WaitGroup
	places := make(chan struct{}, together)
	for i := range n {
		places <- struct{}{}
		wait.Go(func() {
			defer func() { <-places }()
			question := fmt.Sprintf("%s %d?", kind, i)
			first, body, failed := c.ask(question)
			mu.Lock()
			defer mu.Unlock()
			if err = errors.Join(err, failed); failed == nil {
				open = append(open, body)
				if after != nil {
					delays = append(delays, first.Sub(after(question)))
				}
			}
		})
	}
	wait.Wait()
	slices.Sort(delays)
	return delays, open, err
}

func (b *bench) firstWords(c *chatter, p *talker) error {
	for round := range rounds {
		delays, open, err := c.atOnce(chatsAtOnce, chatsAtOnce, fmt.Sprintf("round %d, question", round), p.when)
		for _, one := range open {
			one.Close()
		}
		if err != nil {
			return err
		}
		b.line("first word after the provider's first byte, %d chats: p50 %8s, p99 %8s", chatsAtOnce, short(delays[len(delays)/2]), short(delays[len(delays)*99/100]))
	}
	return nil
}

func (b *bench) openChats(c *chatter, own *process, rest float64) error {
	const together = 8
	_, open, err := c.atOnce(chatsOpen, together, "open", nil)
	busy := memoryOf(own.Process.Pid)
	for _, one := range open {
		one.Close()
	}
	if err == nil {
		b.line("%d open chats: %.0f MiB over the %.0f MiB at rest", chatsOpen, busy-rest, rest)
	}
	return err
}

var fetched = regexp.MustCompile(`(?:src|href)="(/(?:static|accent)/[^"#]+)`)

// weigh adds up what a browser fetches for the page, as it is sent.
func (b *bench) weigh(c *chatter) error {
	packed, err := c.bytes(c.base)
	if err != nil {
		return err
	}
	page := packed
	if unpacked, err := gzip.NewReader(bytes.NewReader(packed)); err == nil {
		if page, err = io.ReadAll(unpacked); err != nil {
			return err
		}
	}
	total, names := len(packed), map[string]bool{}
	for _, found := range fetched.FindAllSubmatch(page, -1) {
		if name := string(found[1]); !names[name] {
			names[name] = true
			body, err := c.bytes(c.home + name)
			if err != nil {
				return err
			}
			total += len(body)
		}
	}
	icons, err := c.bytes(c.home + string(regexp.MustCompile(`/static/icons\.[^"#]+`).Find(page)))
	b.line("the chat's page: %.1f KB of HTML, sent as %.1f KB; %.1f KB with its %d files", float64(len(page))/1000, float64(len(packed))/1000, float64(total+len(icons))/1000, len(names)+1)
	return err
}

func (c *chatter) bytes(address string) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept-Encoding", "br, gzip")
	resp, err := c.Do(request)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}
