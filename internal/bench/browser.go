package main

import (
	"context"
	"errors"
	"net/url"
	"os/exec"
	"slices"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// coldLoads is how many browsers, each with an empty profile, open the chat.
const coldLoads = 5

// noteReady notes when our script has put the cursor into the field: the last thing
// that it does, so that from then on what is typed and pressed is taken.
const noteReady = `addEventListener("focusin", (e) => { if (e.target.id === "question") window.ready ??= performance.now(); }, true)`

const readTimes = `(() => {
	const n = performance.getEntriesByType("navigation")[0];
	return [n.responseEnd, n.domInteractive, n.loadEventEnd, window.ready ?? 0];
})()`

// coldLoad measures how long a browser that knows nothing of us takes until the
// chat can be used.
func (b *bench) coldLoad(c *chatter) error {
	var all [][]float64
	for range coldLoads {
		times, err := c.openCold()
		if errors.Is(err, exec.ErrNotFound) {
			b.line("no Chromium here: how soon the page can be used was not measured")
			return nil
		}
		if err != nil {
			return err
		}
		all = append(all, times)
	}
	slices.SortFunc(all, func(x, y []float64) int { return int(x[3] - y[3]) })
	t := all[coldLoads/2]
	b.line("cold load in Chromium, median of %d: HTML %.0f ms, interactive %.0f, loaded %.0f, takes a question %.0f (worst %.0f)",
		coldLoads, t[0], t[1], t[2], t[3], all[coldLoads-1][3])
	return nil
}

// openCold opens the chat in a browser of its own, signed in, and returns the
// moments of readTimes.
func (c *chatter) openCold() ([]float64, error) {
	ctx, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WindowSize(1440, 900))...)
	defer stop()
	ctx, cancel := chromedp.NewContext(ctx)
	defer cancel()
	// The first step starts the browser, which lives as long as that step's context.
	if err := chromedp.Do(ctx); err != nil {
		return nil, err
	}
	home, err := url.Parse(c.home)
	if err != nil {
		return nil, err
	}
	ctx, enough := context.WithTimeout(ctx, 30*time.Second)
	defer enough()
	err = chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for _, cookie := range c.Jar.Cookies(home) {
			if _, err := cdp.Call(ctx, t, network.SetCookie, network.SetCookieParams{Name: cookie.Name, Value: cookie.Value, URL: c.home}); err != nil {
				return err
			}
		}
		// The field gets the cursor in a window that is not in front, too.
		if _, err := cdp.Call(ctx, t, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: noteReady})
		return err
	}), chromedp.Navigate(c.base))
	for err == nil {
		var times []float64
		if times, err = chromedp.Run(ctx, chromedp.Evaluate[[]float64](readTimes)); err == nil && times[2] > 0 && times[3] > 0 {
			return times, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, err
}
