package flow

import "golang.org/x/tools/go/ssa"

// remote are functions that wait for something outside the program.
var remote = map[string]string{
	"net/http.Client.Do": "an HTTP answer", "net/http.Client.Get": "an HTTP answer", "net/http.Client.Post": "an HTTP answer",
	"net/http.Client.PostForm": "an HTTP answer", "net/http.Client.Head": "an HTTP answer", "net/http.Get": "an HTTP answer",
	"net/http.Post": "an HTTP answer", "net/http.PostForm": "an HTTP answer", "net/http.Head": "an HTTP answer",
	"net/http.RoundTripper.RoundTrip": "an HTTP answer", "time.Sleep": "time", "net.Dial": "a connection",
	"net.DialTimeout": "a connection", "net.Dialer.DialContext": "a connection", "net/smtp.SendMail": "a mail server",
	"os/exec.Cmd.Run": "another program", "os/exec.Cmd.Output": "another program",
	"os/exec.Cmd.CombinedOutput": "another program", "os/exec.Cmd.Wait": "another program",
	"google.golang.org/grpc.ClientConn.Invoke": "a gRPC answer",
}

// Waits is what a call waits for outside the program: itself, or in what it calls. It
// is empty when nothing is known.
func (r *Result) Waits(call *ssa.CallCommon) string {
	if what := remote[calleeName(call)]; what != "" {
		return what
	}
	if s := r.pkg.summary(call); s != nil {
		return s.Waits
	}
	return ""
}

// waits is what a function waits for on some path, for its summary.
func (p *pkg) waits(fn *ssa.Function) string {
	for _, b := range fn.Blocks {
		for _, instr := range b.Instrs {
			call, ok := instr.(*ssa.Call)
			if !ok {
				continue
			}
			if what := remote[calleeName(&call.Call)]; what != "" {
				return what
			}
			if s := p.summary(&call.Call); s != nil && s.Waits != "" {
				return s.Waits
			}
		}
	}
	return ""
}
