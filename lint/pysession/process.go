package pysession

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

//go:embed facts.py
var script string

// ErrNoPython says that there is no python3 on this machine to read Python with.
var ErrNoPython = errors.New("python3 is not installed or not in PATH: install it to have Python looked at")

const (
	filesPerProcess = 60 // fewer are not worth a second interpreter
	longestLine     = 256 << 20
)

// shapes reads the files with python3, in as many processes as pay, and gives the
// shape of each in the order of files.
func shapes(ctx context.Context, files []File) ([]source, error) {
	python, err := exec.LookPath("python3")
	if err != nil {
		return nil, ErrNoPython
	}
	n := max(1, min(runtime.GOMAXPROCS(0), len(files)/filesPerProcess))
	all := make([]source, len(files))
	group, ctx := errgroup.WithContext(ctx)
	for i := range n {
		lo, hi := i*len(files)/n, (i+1)*len(files)/n
		group.Go(func() error { return readShapes(ctx, python, files[lo:hi], all[lo:hi]) })
	}
	return all, group.Wait()
}

// readShapes runs one python3 over the files. It reads no configuration and no
// site packages (-I -S), and writes nothing.
func readShapes(ctx context.Context, python string, files []File, into []source) error {
	cmd := exec.CommandContext(ctx, python, "-I", "-S", "-B", "-c", script)
	cmd.WaitDelay = 5 * time.Second
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("start python3: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start python3: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start python3: %w", err)
	}
	var feeder sync.WaitGroup
	feeder.Go(func() { feed(in, files) })
	err = collect(out, into)
	if err != nil {
		_ = cmd.Process.Kill() // it may still wait to write; what it wrote is of no use now
	}
	feeder.Wait()
	if wait := cmd.Wait(); err == nil || ctx.Err() != nil {
		err = errors.Join(ctx.Err(), wait)
	}
	if err != nil {
		return fmt.Errorf("python3: %w: %s", err, lastLine(complaint.String()))
	}
	return nil
}

// feed writes the files. A broken pipe means that python3 has ended; collect tells why.
func feed(in io.WriteCloser, files []File) {
	defer in.Close()
	w := bufio.NewWriterSize(in, 1<<16)
	for _, f := range files {
		head, err := json.Marshal(map[string]any{"path": f.Name, "bytes": len(f.Src)})
		if err != nil {
			return
		}
		if _, err := w.Write(append(head, '\n')); err != nil {
			return
		}
		if _, err := w.Write(f.Src); err != nil {
			return
		}
	}
	_ = w.Flush()
}

func collect(out io.Reader, into []source) error {
	lines := bufio.NewScanner(out)
	lines.Buffer(make([]byte, 1<<16), longestLine)
	for i := range into {
		if !lines.Scan() {
			return errors.Join(fmt.Errorf("ended after %d of %d files", i, len(into)), lines.Err())
		}
		if err := json.Unmarshal(lines.Bytes(), &into[i]); err != nil {
			return fmt.Errorf("file %d: %w", i, err)
		}
		if into[i].Error != "" {
			continue
		}
		body, err := decode(into[i].Body)
		if err != nil {
			return fmt.Errorf("file %s: %w", into[i].Path, err)
		}
		into[i].body, into[i].Body = body, nil
	}
	return nil
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
