package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// memory is a RoundTripper that serves a handler without a network: what the
// handler writes is read as it is written, and closing the body or ending the
// request's context cancels the handler's.
type memory struct{ handler http.Handler }

func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	in := r.Clone(ctx)
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "memory"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	from, to := io.Pipe()
	w := &memoryWriter{header: http.Header{}, to: to, head: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { to.CloseWithError(context.Cause(ctx)) })
	go func() {
		defer cancel()
		defer stop()
		to.CloseWithError(w.serve(m.handler, in)) // nil is a plain end
	}()
	select {
	case <-w.head:
	case <-ctx.Done():
		if err := r.Context().Err(); err != nil {
			return nil, context.Cause(r.Context())
		}
		<-w.head // the handler is through: serve has written the head
	}
	if w.failed != nil {
		cancel()
		return nil, w.failed
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: &memoryBody{from, cancel}, ContentLength: -1, Request: r,
	}, nil
}

type memoryBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (b *memoryBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}

// memoryWriter is the handler's side. Status, sent and failed are written
// before head is closed.
type memoryWriter struct {
	header, sent http.Header
	status       int
	failed       error
	to           *io.PipeWriter
	once         sync.Once
	head         chan struct{}
}

func (w *memoryWriter) serve(h http.Handler, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler panicked: %v", p)
			if e, ok := p.(error); ok && errors.Is(e, http.ErrAbortHandler) {
				err = io.ErrUnexpectedEOF
			}
		}
		w.once.Do(func() {
			w.failed, w.status, w.sent = err, http.StatusOK, w.header.Clone()
			close(w.head)
		})
	}()
	h.ServeHTTP(w, r)
	return nil
}

func (w *memoryWriter) Header() http.Header { return w.header }

func (w *memoryWriter) WriteHeader(status int) {
	if status < 200 {
		return // interim answers have no use here
	}
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.head)
	})
}

func (w *memoryWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.to.Write(b)
}

// Flush sends the head; every write goes out at once anyway.
func (w *memoryWriter) Flush() { w.WriteHeader(http.StatusOK) }
