package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/reeve-run/reeve/client"
	"github.com/reeve-run/reeve/internal/sqlite"
	"github.com/reeve-run/reeve/server"
)

// defaultURL is where a client command looks when nobody holds the data directory.
const defaultURL = "http://127.0.0.1:8000"

// bindBound is how long a server that holds the data directory may take to have its address.
const bindBound = 10 * time.Second

// remote is the flags of every command that talks to a server.
type remote struct {
	url    string
	data   string
	asJSON bool
}

func (r *remote) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&r.url, "url", "", "the server's URL (default: REEVE_URL, else the server that holds the data directory, else "+defaultURL+"); REEVE_TOKEN is the token")
	dataFlag(cmd, &r.data)
	f.BoolVar(&r.asJSON, "json", false, "print JSON")
	setting(f, "url")
}

func dataFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "data", "", "the data directory (default: $XDG_DATA_HOME/reeve, else ~/.local/share/reeve)")
	setting(cmd.Flags(), "data")
}

// dataDir is the data directory that the user named, or the default one.
func dataDir(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	dir, err := server.DefaultDataDir()
	return dir, cannotStart(err)
}

// connect makes a client of the server that is meant.
func (r *remote) connect(ctx context.Context) (*client.Client, error) {
	if r.url != "" {
		return newClient(r.url)
	}
	address, _, err := r.holder(ctx)
	if err != nil {
		return nil, err
	}
	if address == "" {
		address = defaultURL
	}
	return newClient(address)
}

func newClient(url string, opts ...client.Option) (*client.Client, error) {
	opts = append(opts, client.WithToken(os.Getenv("REEVE_TOKEN")))
	cl, err := client.New(url, opts...)
	return cl, cannotStart(err)
}

// holder asks the data directory for its server. One that is starting is waited for.
func (r *remote) holder(ctx context.Context) (url string, held bool, err error) {
	dir, err := dataDir(r.data)
	if err != nil {
		return "", false, err
	}
	for deadline := time.Now().Add(bindBound); ; {
		address, held, err := sqlite.Holder(dir)
		if err != nil || !held || address != "" {
			return address, held, cannotStart(err)
		}
		if time.Now().After(deadline) {
			return "", true, cannotStart(fmt.Errorf("another reeve holds the data directory %s and has no address: wait for it, or name another --data", dir))
		}
		select {
		case <-ctx.Done():
			return "", false, context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// client wraps the body of a command that needs a server.
func (c *command) client(r *remote, do func(ctx context.Context, cl *client.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cl, err := r.connect(cmd.Context())
		if err != nil {
			return err
		}
		return do(cmd.Context(), cl, args)
	}
}
