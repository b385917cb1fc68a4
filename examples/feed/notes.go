// SPDX-License-Identifier: MIT

// This file holds notes: a table with the position of each row's event.

package main

import (
	"context"
	"database/sql"
	"net/url"

	_ "modernc.org/sqlite"

	"socketio/adapter"
)

// notes is a database.
type notes struct{ db *sql.DB }

// openNotes opens or creates a database. Its transactions are immediate: one that begins
// waits until the one before has ended, also if it only reads.
func openNotes(name string) (*notes, error) {
	options := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(10000)", "journal_mode(wal)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: name}).EscapedPath()+"?"+options.Encode())
	if err != nil {
		return nil, err
	}
	_, err = db.Exec(`CREATE TABLE IF NOT EXISTS notes (
		id     INTEGER PRIMARY KEY,
		text   TEXT NOT NULL,
		epoch  TEXT NOT NULL DEFAULT '', -- of the position
		number INTEGER NOT NULL DEFAULT 0
	)`)
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return &notes{db}, nil
}

// add stores a note. emit sends it, and returns the position. It is called in the
// transaction, so that the positions rise as the ids do, and last, because it can't be
// taken back.
func (n *notes) add(ctx context.Context, text string, emit func() (position string, err error)) error {
	tx, err := n.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	row, err := tx.ExecContext(ctx, "INSERT INTO notes (text) VALUES (?)", text)
	if err != nil {
		return err
	}
	id, err := row.LastInsertId()
	if err != nil {
		return err
	}
	position, err := emit()
	if err != nil {
		return err
	}
	epoch, number, _ := adapter.ParsePosition(position)
	if _, err = tx.ExecContext(ctx, "UPDATE notes SET epoch = ?, number = ? WHERE id = ?", epoch, number, id); err != nil {
		return err
	}
	return tx.Commit()
}

// upTo returns the notes up to a position. Its transaction waits for a note that was sent
// before the position, and is not yet stored. Notes with positions of another epoch are
// older: this server has the latest one.
func (n *notes) upTo(ctx context.Context, position string) ([]string, error) {
	epoch, number, _ := adapter.ParsePosition(position)
	tx, err := n.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	rows, err := tx.QueryContext(ctx, "SELECT text FROM notes WHERE epoch != ? OR number <= ? ORDER BY id", epoch, number)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	texts := []string{}
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, rows.Err()
}
