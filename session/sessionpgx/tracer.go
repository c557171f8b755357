package sessionpgx

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/reeve-run/reeve/session"
)

// TraceQueryStart implements pgx.QueryTracer.
func (*tracer) TraceQueryStart(ctx context.Context, c *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return enter(ctx, c, session.OpExec, data.SQL)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (*tracer) TraceQueryEnd(ctx context.Context, c *pgx.Conn, _ pgx.TraceQueryEndData) {
	exit(ctx, c, session.OpExec)
}

// TraceBatchStart implements pgx.BatchTracer.
func (*tracer) TraceBatchStart(ctx context.Context, c *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return enter(ctx, c, session.OpBatch, "")
}

// TraceBatchEnd implements pgx.BatchTracer.
func (*tracer) TraceBatchEnd(ctx context.Context, c *pgx.Conn, _ pgx.TraceBatchEndData) {
	exit(ctx, c, session.OpBatch)
}

// TraceBatchQuery implements pgx.BatchTracer: one of the batch's statements has been answered.
func (*tracer) TraceBatchQuery(_ context.Context, c *pgx.Conn, data pgx.TraceBatchQueryData) {
	if s := stateOf(c); s != nil && s.mine {
		s.note(data.SQL)
	}
}

// TraceCopyFromStart implements pgx.CopyFromTracer.
func (*tracer) TraceCopyFromStart(ctx context.Context, c *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	return enter(ctx, c, session.OpCopy, "")
}

// TraceCopyFromEnd implements pgx.CopyFromTracer.
func (*tracer) TraceCopyFromEnd(ctx context.Context, c *pgx.Conn, _ pgx.TraceCopyFromEndData) {
	exit(ctx, c, session.OpCopy)
}

// TracePrepareStart implements pgx.PrepareTracer.
func (*tracer) TracePrepareStart(ctx context.Context, c *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	return enter(ctx, c, session.OpPrepare, "")
}

// TracePrepareEnd implements pgx.PrepareTracer.
func (*tracer) TracePrepareEnd(ctx context.Context, c *pgx.Conn, _ pgx.TracePrepareEndData) {
	exit(ctx, c, session.OpPrepare)
}
