package bench

import "context"

func (b *Bench) sockets(ctx context.Context) (WebSocket, float64, error) { return WebSocket{}, 0, nil }
