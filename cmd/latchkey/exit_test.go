package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/config"
	"latchkey/internal/secret"
)

func TestExitCodes(t *testing.T) {
	for err, want := range map[error]int{
		nil: exitStopped, io.EOF: exitFailed, access.Fail(access.Conflict, "x", "taken"): exitFailed,
		fmt.Errorf("the %w: data", errInUse):                      exitInUse,
		&secret.KeyError{Text: "no master key"}:                   exitKey,
		errors.Join(io.EOF, &secret.KeyError{Text: "wrong key"}):  exitKey,
		&config.Error{Setting: "LATCHKEY_LOG", Text: "cannot be"}: exitUsage,
		fmt.Errorf("start: %w", &config.Error{Text: "cannot be"}): exitUsage,
		usage(errors.New("unknown flag")):                         exitUsage,
	} {
		var stderr bytes.Buffer
		sh := &shell{stderr: &stderr}
		if got := sh.fail(err); got != want {
			t.Errorf("%v: exit code %d, want %d", err, got, want)
		}
		if said := stderr.String(); (err == nil) != (said == "") || err != nil && said != "latchkey: "+err.Error()+"\n" {
			t.Errorf("%v: said %q", err, said)
		}
	}
}

func TestReadSecret(t *testing.T) {
	for in, want := range map[string]string{
		"word\n": "word", "word": "word", "word\r\n": "word", " with spaces \n": " with spaces ", "密码\n": "密码",
		"": "", "\n": "", "two\nlines\n": "", "word\n\n": "", strings.Repeat("x", longestLine+1): "",
	} {
		got, err := (&shell{stdin: strings.NewReader(in)}).readSecret("--password-stdin")
		if want == "" {
			if exitCode(err) != exitUsage || !strings.Contains(err.Error(), "--password-stdin") {
				t.Errorf("%.20q: %v, want wrong usage", in, err)
			}
		} else if err != nil || got.Reveal() != want {
			t.Errorf("%.20q: %q, %v", in, got.Reveal(), err)
		}
	}
}

func TestLogIsJSONInUTC(t *testing.T) {
	var out bytes.Buffer
	log := newLog(&out, slog.LevelInfo)
	log.Debug("not this")
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("east", 8*3600))
	log.Info("two\nlines", "at", at, "token", secret.Text("sk-lkSECRET"))
	if strings.Count(out.String(), "\n") != 1 || strings.Contains(out.String(), "SECRET") {
		t.Fatalf("%s", out.String())
	}
	var line struct{ Time, At, Msg, Token string }
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line.At != "2026-03-01T04:00:00Z" || !strings.HasSuffix(line.Time, "Z") || line.Msg != "two\nlines" || line.Token != "[secret]" {
		t.Errorf("%+v", line)
	}
}

func TestPanicIsNotWrongUsage(t *testing.T) {
	var stderr bytes.Buffer
	sh := &shell{stdout: broken{}, stderr: &stderr}
	if code := sh.run([]string{"version"}); code != exitFailed || !strings.Contains(stderr.String(), "a fault in latchkey itself: broken") {
		t.Errorf("code %d, said %q", code, stderr.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { panic("broken") }
