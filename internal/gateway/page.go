package gateway

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"

	"github.com/reeve-run/reeve/wire"
)

// The page's one style sheet stands in the page itself; its hash lets it through the policy.
var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	pageStyle string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
	pagePolicy   = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; style-src 'sha256-" + styleHash() + "'"
)

func styleHash() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// page is the plain page at / until there is a console.
func (g *Gateway) page(w http.ResponseWriter, r *http.Request, c *call) {
	ctx, cancel := c.bounded(g)
	defer cancel()
	agents, err := g.Agents.List(ctx)
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	var b bytes.Buffer
	err = pageTemplate.Execute(&b, struct {
		Style   template.CSS
		Version string
		Agents  []wire.Agent
	}{template.CSS(pageStyle), g.Version, agents}) //nolint:gosec // the style sheet is our own file
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	write(w, http.StatusOK, b.Bytes())
}
