package sqlite

import (
	"database/sql"
	"errors"
)

// exec runs one of the statements.
func (b *batch) exec(st statement, args ...any) error {
	_, err := b.tx.ExecStmt(b.ctx, b.stmts.one[st], args...)
	return err
}

func (b *batch) row(st statement, args ...any) *sql.Row {
	return b.tx.QueryRowStmt(b.ctx, b.stmts.one[st], args...)
}

// each runs one of the statements and hands its rows to fn, until fn says false.
func (b *batch) each(st statement, fn func(*sql.Rows) (bool, error), args ...any) error {
	return b.scan(b.stmts.one[st], fn, args...)
}

func (b *batch) scan(stmt *sql.Stmt, fn func(*sql.Rows) (bool, error), args ...any) (err error) {
	rows, err := b.tx.QueryStmt(b.ctx, stmt, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if more, err := fn(rows); err != nil || !more {
			return err
		}
	}
	return rows.Err()
}

// saveChunks writes rows of parameters in as few statements as their sizes allow.
func (b *batch) saveChunks(id int, args []any) error {
	width := chunks[id].width
	for i, size := range chunkSizes {
		for len(args) >= size*width {
			if _, err := b.tx.ExecStmt(b.ctx, b.stmts.many[id][i], args[:size*width]...); err != nil {
				return err
			}
			args = args[size*width:]
		}
	}
	return nil
}

// lookup reads the rows of the keys. The last key fills a chunk up: it is found once all the same.
func (b *batch) lookup(id int, keys []any, fn func(*sql.Rows) error) error {
	for len(keys) > 0 {
		i := len(chunkSizes) - 1
		for i > 0 && len(keys) > chunkSizes[i] {
			i--
		}
		part := keys[:min(len(keys), chunkSizes[i])]
		keys = keys[len(part):]
		padded := append(make([]any, 0, chunkSizes[i]), part...)
		for len(padded) < chunkSizes[i] {
			padded = append(padded, part[len(part)-1])
		}
		if err := b.scan(b.stmts.many[id][i], func(rows *sql.Rows) (bool, error) { return true, fn(rows) }, padded...); err != nil {
			return err
		}
	}
	return nil
}
