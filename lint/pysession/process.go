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
	patience        = time.Minute // for one file; a python3 that takes longer is ended
	mostDeaths      = 5           // of python3; then it is not the files' fault
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
		group.Go(func() error { return readAll(ctx, python, files[lo:hi], all[lo:hi]) })
	}
	return all, group.Wait()
}

// readAll reads the files with one python3 after another: the file on which one dies
// is named, and the next goes on behind it.
func readAll(ctx context.Context, python string, files []File, into []source) error {
	for deaths := 0; len(files) > 0; deaths++ {
		n, err := readShapes(ctx, python, files, into)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			return nil
		}
		if deaths == mostDeaths {
			for i := range into[n:] {
				into[n+i].Error = err.Error()
			}
			return nil
		}
		into[n].Error = err.Error()
		files, into = files[n+1:], into[n+1:]
	}
	return nil
}

// readShapes runs one python3 over the files and says how many of them it has read
// where it has not read all. It reads no configuration and no site packages (-I -S),
// and writes nothing.
func readShapes(ctx context.Context, python string, files []File, into []source) (int, error) {
	cmd := exec.CommandContext(ctx, python, "-I", "-S", "-B", "-c", script)
	cmd.WaitDelay = 5 * time.Second
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	in, out, err := start(cmd)
	if err != nil {
		return 0, fmt.Errorf("start python3: %w", err)
	}
	var feeder sync.WaitGroup
	feeder.Go(func() { feed(in, files) })
	n, err := collect(out, into, func() { _ = cmd.Process.Kill() })
	if err != nil {
		_ = cmd.Process.Kill() // it may still wait to write; what it wrote is of no use now
	}
	feeder.Wait()
	wait := cmd.Wait()
	if err != nil {
		return n, fmt.Errorf("python3: %w: %s", errors.Join(err, wait), lastLine(complaint.String()))
	}
	return len(files), nil
}

func start(cmd *exec.Cmd) (io.WriteCloser, io.Reader, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return in, out, cmd.Start()
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

// collect reads the shapes and says how many have come. It ends a python3 that is
// silent for too long.
func collect(out io.Reader, into []source, end func()) (int, error) {
	lines := bufio.NewScanner(out)
	lines.Buffer(make([]byte, 1<<16), longestLine)
	watch := time.AfterFunc(patience, end)
	defer watch.Stop()
	for i := range into {
		if !lines.Scan() {
			return i, errors.Join(errors.New("ended while it read this file"), lines.Err())
		}
		watch.Reset(patience)
		into[i].read(lines.Bytes())
	}
	return len(into), nil
}

// read takes up the shape of one file. One that makes no sense is an error of that file.
func (s *source) read(line []byte) {
	if err := json.Unmarshal(line, s); err != nil {
		s.Error = fmt.Sprintf("its shape cannot be read: %v", err)
	}
	if s.Error != "" {
		return
	}
	body, err := decode(s.Body)
	if err != nil {
		s.Error = err.Error()
		return
	}
	s.body, s.Body = body, nil
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
