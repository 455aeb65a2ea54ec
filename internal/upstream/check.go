package upstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	maxModels    = 5000
	maxModelName = 256
	maxModelList = 8 << 20
)

// Check is what a trial call found out.
type Check struct {
	Models    []string      // what the provider lists; nil where it has no list
	Listed    bool          // the model tried is among them
	Model     string        // the model tried, "" where only the list was asked for
	FirstByte time.Duration // of the trial answer
	Sample    string        // how the trial answer begins
}

// Models lists the names of a provider's models, sorted. Errors are as Ask's.
func (c *Client) Models(ctx context.Context, ep Endpoint) ([]string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(c.settings.FirstByte, func() { cancel(errFirstByte) })
	defer late.Stop()

	resp, err := c.send(ctx, ep, http.MethodGet, "/models", nil, false)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxModelList+1))
	if err != nil {
		return nil, c.broken(ctx, err, "provider_reset")
	}
	if len(body) > maxModelList {
		return nil, fail("provider_too_large", nil, maxModelList>>20)
	}
	return c.readModels(body, ep.Key)
}

func (c *Client) readModels(body []byte, key string) ([]string, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, bom))
	if bytes.HasPrefix(body, []byte("<")) {
		return nil, fail("provider_html", nil)
	}
	if said, ok := Parse(body); ok && said.Said != nil {
		return nil, c.refused(said.Said.status(), nil, *said.Said, key)
	}
	type model struct {
		ID string `json:"id"`
	}
	var list struct{ Data []model }
	err := json.Unmarshal(body, &list)
	if bytes.HasPrefix(body, []byte("[")) { // some send the bare list
		err = json.Unmarshal(body, &list.Data)
	}
	if err != nil {
		return nil, fail("provider_not_json", err)
	}
	names := make([]string, 0, len(list.Data))
	for _, m := range list.Data {
		if m.ID != "" && len(m.ID) <= maxModelName && len(names) < maxModels && m.ID == printable(m.ID) {
			names = append(names, m.ID)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '�' {
			return -1
		}
		return r
	}, s)
}

// Test tries a provider as a person would: it lists the models and, where model
// is not empty, asks it for a word or two, which may cost a few tokens. A
// provider without a list of models passes if the model answers.
func (c *Client) Test(ctx context.Context, ep Endpoint, model string) (Check, error) {
	var check Check
	models, err := c.Models(ctx, ep)
	if f, ok := errors.AsType[*Failure](err); ok && model != "" && (f.ProviderStatus == http.StatusNotFound ||
		f.ProviderStatus == http.StatusMethodNotAllowed) {
		err = nil // not every provider has a list
	}
	if err != nil {
		return check, err
	}
	check.Models, check.Model = models, model
	check.Listed = slices.Contains(models, model)
	if model == "" {
		return check, nil
	}
	return check, c.try(ctx, ep, &check)
}

// try asks the model. A stream is stopped at its first text, so that it stays
// cheap without a limit that some models would refuse.
func (c *Client) try(ctx context.Context, ep Endpoint, check *Check) error {
	q := Question{Path: "/chat/completions", Stream: true}
	ask := map[string]any{
		"model": check.Model, "stream": true,
		"messages": []map[string]string{{"role": "user", "content": "Say hello in one word."}},
	}
	if strings.Contains(strings.ToLower(check.Model), "embed") {
		q = Question{Path: "/embeddings"}
		ask = map[string]any{"model": check.Model, "input": "hello"}
	}
	var err error
	if q.Body, err = json.Marshal(ask); err != nil {
		return err
	}
	a, err := c.Ask(ctx, ep, q)
	if err != nil {
		return err
	}
	defer a.Close()
	check.FirstByte = a.FirstByte
	if !q.Stream {
		return nil
	}
	for {
		events, err := a.Next(nil)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range events {
			if text := clean(string(e.Chunk.Content)+string(e.Chunk.Other), ep.Key); text != "" {
				check.Sample = text
				return nil
			}
		}
	}
}
