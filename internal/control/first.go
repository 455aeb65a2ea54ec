package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/upstream"
)

// setupFinished is the setting that closes the set-up's pages for good.
const setupFinished = "setup_finished"

// SetupFinished reports whether the first admin has gone through the set-up's
// steps, or left them.
func (c *Control) SetupFinished(ctx context.Context) (bool, error) {
	value, err := c.DB.FindSetting(ctx, setupFinished)
	return value == "1", err
}

// FinishSetup closes the set-up's pages.
func (c *Control) FinishSetup(ctx context.Context, by access.Actor) error {
	if err := by.Must(access.RunInstance); err != nil {
		return err
	}
	return c.DB.SetSetting(ctx, by, setupFinished, "1")
}

// Bounds of a sample answer and of the question for it, in bytes.
const (
	sampleMax   = 240 // so that a page need not wait long
	questionMax = 600
)

// SampleAnswer asks a model of a provider that may not be saved yet, so that a
// page can show what its answers are like. A long answer is cut.
func (c *Control) SampleAnswer(ctx context.Context, by access.Actor, f ProviderForm, model, question string) (text string, first time.Duration, err error) {
	ep, _, err := c.endpoint(ctx, by, "", f)
	if err != nil {
		return "", 0, err
	}
	if question = strings.TrimSpace(question); question == "" || len(question) > questionMax {
		return "", 0, access.Fail(access.Invalid, "question_length", "A question has 1 to %d bytes of text.", questionMax).At("question")
	}
	body, err := json.Marshal(map[string]any{
		"model": model, "stream": true, "messages": []map[string]string{{"role": "user", "content": question}},
	})
	if err != nil {
		return "", 0, err
	}
	a, err := c.Upstream.Ask(ctx, ep, upstream.Question{Path: "/chat/completions", Stream: true, Body: body})
	if err != nil {
		return "", 0, err
	}
	defer a.Close()
	for len(text) < sampleMax {
		events, err := a.Next(nil)
		if errors.Is(err, io.EOF) {
			return text, a.FirstByte, nil
		}
		if err != nil {
			return text, a.FirstByte, err
		}
		for _, e := range events {
			text += string(e.Chunk.Content)
		}
	}
	return strings.ToValidUTF8(text[:sampleMax], "") + "…", a.FirstByte, nil
}
