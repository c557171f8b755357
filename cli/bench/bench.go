package bench

import (
	"context"
	"fmt"
	"time"
)

// Bench is what is to be measured. Dir must be there and empty, on the disk in question.
type Bench struct {
	Dir      string
	InFlight []int         // 100 and 1,000
	Steps    int           // of each run; 5
	Runs     int           // of each measurement; 0: as many as Window holds
	Window   time.Duration // of each measurement; 3 s
	Pool     int           // connections; 10
	Waiting  int           // runs that wait; 10,000
	Sockets  int           // that are idle; 10,000

	// Client is the command line of a process that opens sockets; it gets the server's URL and their
	// number as two more arguments. See Clients.
	Client []string
	// Progress is told what is being measured; nil: nobody is.
	Progress func(string)
}

// Default is the bench by which the budgets are judged.
func Default(dir string) *Bench {
	return &Bench{
		Dir: dir, InFlight: []int{100, 1000}, Steps: 5, Window: 3 * time.Second, Pool: 10, Waiting: 10_000, Sockets: 10_000,
	}
}

func (b *Bench) sayf(format string, args ...any) {
	if b.Progress != nil {
		b.Progress(fmt.Sprintf(format, args...))
	}
}

// Run measures everything. What is measured by memory goes first, in a process that is still small.
func (b *Bench) Run(ctx context.Context) (Report, error) {
	r := Report{Store: "sqlite", Throughput: []Throughput{}}
	var err error
	if r.WebSocket, r.Single.AcceptP50MS, err = b.sockets(ctx); err != nil {
		return r, fmt.Errorf("measure sockets: %w", err)
	}
	if r.Waiting, err = b.waiting(ctx); err != nil {
		return r, fmt.Errorf("measure waiting runs: %w", err)
	}
	accept := r.Single.AcceptP50MS
	if r.Single, err = b.single(ctx); err != nil {
		return r, fmt.Errorf("measure one run alone: %w", err)
	}
	r.Single.AcceptP50MS = accept
	for _, n := range b.InFlight {
		t, err := b.throughput(ctx, n)
		if err != nil {
			return r, fmt.Errorf("measure throughput at %d in flight: %w", n, err)
		}
		r.Throughput = append(r.Throughput, t)
	}
	return r, nil
}
