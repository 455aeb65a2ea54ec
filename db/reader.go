package db

import (
	"context"
	"database/sql"
)

// row is a *sql.Row whose statement may have failed to prepare.
type row struct {
	*sql.Row
	err error
}

func (r *row) Scan(into ...any) error {
	if r.err != nil {
		return r.err
	}
	return r.Row.Scan(into...)
}

func (d *DB) readStatement(ctx context.Context, text string) (*sql.Stmt, error) {
	if s, ok := d.readStatements.Load(text); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := d.read.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if kept, lost := d.readStatements.LoadOrStore(text, s); lost {
		s.Close()
		return kept.(*sql.Stmt), nil
	}
	return s, nil
}

// row runs a query that answers with one row, in the pool that cannot write.
func (d *DB) row(ctx context.Context, text string, args ...any) *row {
	s, err := d.readStatement(ctx, text)
	if err != nil {
		return &row{err: err}
	}
	return &row{Row: s.QueryRowContext(ctx, args...)}
}

// rows runs a query and hands each row to take.
func (d *DB) rows(ctx context.Context, take func(scanner) error, text string, args ...any) error {
	s, err := d.readStatement(ctx, text)
	if err != nil {
		return err
	}
	return each(ctx, s, take, args...)
}

func each(ctx context.Context, s *sql.Stmt, take func(scanner) error, args ...any) error {
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// list collects rows with a scan function.
func list[T any](into *[]T, scan func(scanner) (T, error)) func(scanner) error {
	return func(s scanner) error {
		one, err := scan(s)
		if err == nil {
			*into = append(*into, one)
		}
		return err
	}
}
