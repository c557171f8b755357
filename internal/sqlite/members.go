package sqlite

import (
	"context"
	"fmt"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// What is asked seldom is not kept prepared.
const (
	buryOthers = `UPDATE threads SET node = 0, died = 1, inbox = 0, runnable_at = ? WHERE node > 0
		AND node <> coalesce((SELECT k FROM nodes WHERE id = ?), 0)`
	dropOthers = `DELETE FROM nodes WHERE id <> ?`
	bury       = `UPDATE threads SET node = 0, died = 1, inbox = 0, runnable_at = ? WHERE node > 0
		AND node = (SELECT k FROM nodes WHERE id = ?)`
	dropNode = `DELETE FROM nodes WHERE id = ?`
	addNode  = `INSERT INTO nodes (id, beat, address, version) VALUES (?, 0, ?, ?)
		ON CONFLICT (id) DO UPDATE SET address = excluded.address, version = excluded.version`
	beat = `UPDATE nodes SET beat = beat + 1 WHERE id = ?`
)

// Join enters a node and declares every other dead: the lock on the data directory says
// that no other process lives here. What they held can be claimed at once; their fence
// holds it until somebody does.
func (s *Store) Join(ctx context.Context, n journal.Node) error {
	if n.ID == "" {
		return reeve.Errorf(reeve.CodeInvalid, "join: the node has no id")
	}
	return s.directly(ctx, fmt.Sprintf("join node %s", n.ID), []change{
		{buryOthers, []any{clock(), string(n.ID)}},
		{dropOthers, []any{string(n.ID)}},
		{addNode, []any{string(n.ID), n.Address, n.Version}},
	})
}

// Leave takes the node out; what it still holds can be claimed at once, as after a death.
func (s *Store) Leave(ctx context.Context, id reeve.NodeID) error {
	return s.directly(ctx, fmt.Sprintf("take out node %s", id), []change{
		{bury, []any{clock(), string(id)}},
		{dropNode, []any{string(id)}},
	})
}

// change is a statement that changes rows past the memory of the writer.
type change struct {
	text string
	args []any
}

func (s *Store) directly(ctx context.Context, what string, changes []change) error {
	return s.write(ctx, what, func(ctx context.Context, tx *sessionsql.Tx) error {
		s.forget()
		for _, c := range changes {
			if _, err := tx.ExecContext(ctx, c.text, c.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Beat raises the node's counter. A node that is not there, or was declared dead, is fenced.
func (s *Store) Beat(ctx context.Context, id reeve.NodeID) error {
	return s.write(ctx, fmt.Sprintf("beat of node %s", id), func(ctx context.Context, tx *sessionsql.Tx) error {
		res, err := tx.ExecContext(ctx, beat, string(id))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); n == 1 || err != nil {
			return err
		}
		return fenced("node %s has not joined or was declared dead", id)
	})
}

// SetPaused pauses or resumes an agent: claims, and the take of an accept, pass over a paused one.
func (s *Store) SetPaused(ctx context.Context, agent string, paused bool) error {
	text := `DELETE FROM paused WHERE agent = ?`
	if paused {
		text = `INSERT OR IGNORE INTO paused (agent) VALUES (?)`
	}
	return s.write(ctx, "pause agent "+agent, func(ctx context.Context, tx *sessionsql.Tx) error {
		_, err := tx.ExecContext(ctx, text, agent)
		return err
	})
}

// Paused names the paused agents, sorted.
func (s *Store) Paused(ctx context.Context) ([]string, error) {
	var agents []string
	err := s.read(ctx, "read paused agents", func(ctx context.Context, tx *sessionsql.Tx) error {
		return scanAll(ctx, tx, `SELECT agent FROM paused ORDER BY agent`, nil, func(scan scanner) error {
			var agent string
			err := scan(&agent)
			agents = append(agents, agent)
			return err
		})
	})
	return agents, err
}
