package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/upkeep"
	"latchkey/web"
)

// serveCmd is the server.
type serveCmd struct {
	config.Serving
}

func (s *serveCmd) Run(sh *shell, basic *config.Basic) error {
	cfg, err := config.Flags{Basic: *basic, Serving: s.Serving}.Validate()
	if err != nil {
		return err
	}
	folder, err := openFolder(cfg.Data, serving)
	if err != nil {
		return err
	}
	defer folder.Close()
	log := newLog(sh.stderr, cfg.Log)
	ctx := context.Background()
	h, err := sh.openHouse(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer h.Close()
	if n, err := h.db.Ledger.Sweep(ctx); err != nil {
		return err
	} else if n > 0 {
		log.Info("settled the answers that were cut when Latchkey ended", "answers", n)
	}
	if _, err := h.db.RecoverQuestions(ctx); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", cfg.Addr, err)
	}
	return sh.serve(ctx, h, cfg, listener, log)
}

// serve answers until a signal, then drains.
func (sh *shell) serve(ctx context.Context, h *house, cfg config.Config, listener net.Listener, log *slog.Logger) error {
	certificate, reload, err := certificates(cfg)
	if err != nil {
		return err
	}
	rooms := h.rooms(sh, cfg, listener, log)
	app := web.New(rooms)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)
	failed := make(chan error, 1)
	go func() { failed <- app.Listener(web.Listener(listener, cfg.TrustedProxies, certificate)) }()
	keep := upkeep.Start(upkeep.Parts{DB: h.db, Control: h.control, Now: sh.now, Log: log})
	defer keep.Stop()
	if err := sh.announce(ctx, h, cfg, listener); err != nil {
		return err
	}
	for {
		select {
		case err := <-failed:
			return fmt.Errorf("the server stopped: %w", err)
		case s := <-signals:
			if s == syscall.SIGHUP {
				reload(log)
				continue
			}
			return h.drain(app.ShutdownWithTimeout, rooms, cfg.Drain, signals, log)
		}
	}
}

// announce prints the address, and before the first admin exists the code.
func (sh *shell) announce(ctx context.Context, h *house, cfg config.Config, listener net.Listener) error {
	address := cfg.PublicURL.String()
	if !cfg.PublicURL.Set() {
		scheme := "http"
		if cfg.TLS() {
			scheme = "https"
		}
		address = scheme + "://" + listener.Addr().String()
	}
	fmt.Fprintf(sh.stdout, "Latchkey is listening on %s\n", address)
	there, err := h.db.AnyAdmin(ctx)
	if err == nil && !there {
		fmt.Fprintf(sh.stdout, "Set-up code: %s\n", h.control.FirstCode.Code())
	}
	return err
}

// drain ends calls in order: no new ones, streams may finish within the time, then
// each is told and settled. A second signal ends them at once.
func (h *house) drain(shutdown func(time.Duration) error, rooms web.Rooms, within time.Duration, signals <-chan os.Signal, log *slog.Logger) error {
	log.Info("stopping: answers under way may end", "running", h.gateway.Running(), "within", within.String())
	rooms.Ops.Draining.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	h.gateway.Drain(ctx)
	rooms.Chat.Live.Close()
	const goodbye = 2 * time.Second // for answers that are written already
	if err := shutdown(goodbye); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	log.Info("stopped", "running", h.gateway.Running())
	return nil
}

// certificates reads the PEM files, and again on reload.
func certificates(cfg config.Config) (certificate func() (*tls.Certificate, error), reload func(*slog.Logger), err error) {
	if !cfg.TLS() {
		return nil, func(*slog.Logger) {}, nil
	}
	var held atomic.Pointer[tls.Certificate]
	read := func() error {
		pair, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
		if err == nil {
			held.Store(&pair)
		}
		return err
	}
	reload = func(log *slog.Logger) {
		if err := read(); err != nil {
			log.Error("the certificate could not be read again; the old one stays", "error", err)
		}
	}
	return func() (*tls.Certificate, error) { return held.Load(), nil }, reload, read()
}
