package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

// shop is a page of another origin that shows the chat.
type shop struct {
	*parlour
	site  *httptest.Server
	token control.Issued
	body  atomic.Value // what its one page holds
}

// newShop builds a parlour and a shop that may show its bot; host is what the
// shop's page is opened under, and https puts both behind TLS.
func newShop(t *testing.T, host string, https bool) *shop {
	t.Helper()
	s := &shop{}
	s.body.Store("")
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><html lang=en><title>Acme</title><meta name=viewport content='width=device-width,initial-scale=1'><body><h1>Acme shop</h1><p>Parcels and paper.</p>%s</body></html>", s.body.Load())
	})
	var certificate *tls.Config
	if https {
		s.site = httptest.NewTLSServer(handler)
		certificate = &tls.Config{Certificates: s.site.TLS.Certificates}
	} else {
		s.site = httptest.NewServer(handler)
	}
	t.Cleanup(s.site.Close)
	_, port, _ := net.SplitHostPort(s.site.Listener.Addr().String())
	scheme := strings.SplitN(s.site.URL, ":", 2)[0]
	s.site.URL = scheme + "://" + net.JoinHostPort(host, port)
	s.parlour = newParlourOver(t, control.ShareForm{}, certificate)
	origins := []string{s.site.URL}
	_, err := s.Control.EditBot(t.Context(), s.Owner, s.bot.PublicID, control.BotForm{AllowedOrigins: &origins})
	s.must(err)
	s.token = s.Token(t, control.TokenForm{Bot: &s.bot.PublicID})
	s.show("")
	return s
}

// show puts the bubble into the shop's page.
func (s *shop) show(more string) {
	s.body.Store(fmt.Sprintf(`<script src="%s/embed.js" data-key="%s" %s defer></script>`, s.home, s.token.Beta, more))
}

// enterShop opens the shop's page and its bubble.
func (s *shop) enterShop(b *browser) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: `addEventListener("securitypolicyviolation", (e) => { document.documentElement.dataset.reports = (document.documentElement.dataset.reports || "") + e.violatedDirective + " " + e.blockedURI + "; "; })`,
		})
		return err
	}))
	b.visit(s.site.URL)
	b.click("body > button")
}

// inner reads something from the frame in the page, "" while there is none.
func (b *browser) inner(script string) string {
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	got := ""
	err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		tree, err := cdp.Call(ctx, t, page.GetFrameTree, cdp.Empty{})
		if err != nil || len(tree.FrameTree.ChildFrames) == 0 {
			return err
		}
		world, err := cdp.Call(ctx, t, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.ChildFrames[0].Frame.ID})
		if err != nil {
			return err
		}
		value := true
		result, err := cdp.Call(ctx, t, runtime.Evaluate, runtime.EvaluateParams{
			Expression: "String(" + script + ")", ContextID: world.ExecutionContextID, ReturnByValue: &value,
		})
		if err == nil && result.Result != nil {
			got = strings.Trim(string(result.Result.Value), `"`)
		}
		return err
	}))
	if err != nil {
		return ""
	}
	return got
}

// untilInner waits until a condition holds in the frame.
func (b *browser) untilInner(what, condition string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for b.inner("!!("+condition+")") != "true" {
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.t.Fatalf("%s: not within %s\n%s", what, wait, b.inner("document.body && document.body.innerText"))
		}
	}
}

// ask types a question into the frame's field and sends it.
func (b *browser) ask(text string) {
	b.t.Helper()
	b.untilInner("the composer", `document.querySelector("[data-composer]:not(.busy)")`)
	b.inner(fmt.Sprintf(`(() => { document.querySelector("#question").value = %q; document.querySelector(".composer .send").click(); })()`, text))
	b.untilInner("the question stands in the thread", `document.querySelector("#question").value === ""`)
}

// checkFrame fails when the policy had to complain, on either side.
func (b *browser) checkFrame() {
	b.t.Helper()
	if got := b.inner(`document.documentElement.dataset.reports || ""`); got != "" {
		b.t.Errorf("policy reports in the frame: %s", got)
	}
	if got := b.value(`document.documentElement.dataset.reports || ""`); got != "" {
		b.t.Errorf("policy reports around it: %s", got)
	}
}

// signInOwner signs the owner in on the house's own pages.
func (s *shop) signInOwner(b *browser) {
	b.t.Helper()
	b.visit(s.home + "/login")
	b.fill("username", "lin")
	b.fill("password", testbed.Password)
	b.click("main [type=submit]")
	b.until("signed in", `location.pathname === "/"`)
}
