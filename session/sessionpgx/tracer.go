package sessionpgx

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/reeve-run/reeve/session"
)

// TraceQueryStart implements pgx.QueryTracer.
func (w *watcher) TraceQueryStart(ctx context.Context, c *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return w.enter(ctx, c, session.OpExec, data.SQL)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (*watcher) TraceQueryEnd(ctx context.Context, c *pgx.Conn, _ pgx.TraceQueryEndData) {
	exit(ctx, c, session.OpExec)
}

// TraceBatchStart implements pgx.BatchTracer.
func (w *watcher) TraceBatchStart(ctx context.Context, c *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return w.enter(ctx, c, session.OpBatch, "")
}

// TraceBatchEnd implements pgx.BatchTracer.
func (*watcher) TraceBatchEnd(ctx context.Context, c *pgx.Conn, _ pgx.TraceBatchEndData) {
	exit(ctx, c, session.OpBatch)
}

// TraceBatchQuery implements pgx.BatchTracer: one of the batch's statements has been answered.
func (w *watcher) TraceBatchQuery(_ context.Context, c *pgx.Conn, data pgx.TraceBatchQueryData) {
	if s := stateOf(c); s != nil && s.mine {
		s.left.Add(data.SQL)
	}
}

// TraceCopyFromStart implements pgx.CopyFromTracer.
func (w *watcher) TraceCopyFromStart(ctx context.Context, c *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	return w.enter(ctx, c, session.OpCopy, "")
}

// TraceCopyFromEnd implements pgx.CopyFromTracer.
func (*watcher) TraceCopyFromEnd(ctx context.Context, c *pgx.Conn, _ pgx.TraceCopyFromEndData) {
	exit(ctx, c, session.OpCopy)
}

// TracePrepareStart implements pgx.PrepareTracer.
func (w *watcher) TracePrepareStart(ctx context.Context, c *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	return w.enter(ctx, c, session.OpPrepare, "")
}

// TracePrepareEnd implements pgx.PrepareTracer.
func (*watcher) TracePrepareEnd(ctx context.Context, c *pgx.Conn, _ pgx.TracePrepareEndData) {
	exit(ctx, c, session.OpPrepare)
}
