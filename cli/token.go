package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/reeve-run/reeve/internal/auth"
)

func (c *command) token() *cobra.Command {
	return group("token", "Make tokens for clients", c.tokenNew())
}

func (c *command) tokenNew() *cobra.Command {
	var (
		owner    string
		operator bool
		asJSON   bool
	)
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Make a token, and the line for the token file",
		Long: `Make a token, and the line for the file that ` + "`reeve serve --token-file`" + ` reads. The token is
shown once and stored nowhere; the file holds its SHA-256 only. A running server reads the
file again when it changes.`,
		Example: `  reeve token new --owner ada
  reeve token new --owner ada --operator`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			token, line, err := auth.NewToken(owner, operator)
			if err != nil {
				return cannotStart(err)
			}
			if asJSON {
				return printJSON(c.out, map[string]string{"token": token, "line": line})
			}
			fmt.Fprintf(c.out, "token: %s\nline:  %s\n", token, line)
			fmt.Fprintln(c.err, "Give the token to the client (REEVE_TOKEN), and add the line to the server's token file.")
			return nil
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "local", "who the token stands for; threads belong to owners")
	cmd.Flags().BoolVar(&operator, "operator", false, "may also see every owner's runs, metrics and stacks")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
