package db

import (
	"context"
	"sync"
)

// batch gathers changes of one kind that wait for the writer, so that one fact
// writes them all. Each caller hears what became of its own.
type batch[T any] struct {
	mu      sync.Mutex
	waiting []*waiter[T]
}

type waiter[T any] struct {
	one  T
	done chan error
}

// write returns when one is on the disk, or undone. Where several cannot be
// written together each is tried by itself, so that it harms no other.
func (b *batch[T]) write(ctx context.Context, d *DB, one T, all func(*Tx, []T) error) error {
	w := &waiter[T]{one, make(chan error, 1)}
	b.mu.Lock()
	b.waiting = append(b.waiting, w)
	first := len(b.waiting) == 1
	b.mu.Unlock()
	if first { // the others' changes must not end with this one's caller
		b.writeWaiting(context.WithoutCancel(ctx), d, all)
	}
	return <-w.done
}

func (b *batch[T]) writeWaiting(ctx context.Context, d *DB, all func(*Tx, []T) error) {
	var taken []*waiter[T]
	err := d.change(ctx, func(t *Tx) error {
		taken = b.take()
		d.pending += len(taken)
		ones := make([]T, len(taken))
		for i, w := range taken {
			ones[i] = w.one
		}
		return all(t, ones)
	})
	if taken == nil { // the writer refused the fact before it ran
		taken = b.take()
	}
	for _, w := range taken {
		own := err
		if err != nil && len(taken) > 1 {
			own = d.change(ctx, func(t *Tx) error { return all(t, []T{w.one}) })
		}
		w.done <- own
	}
}

func (b *batch[T]) take() []*waiter[T] {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.waiting
	b.waiting = nil
	return taken
}
