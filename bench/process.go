package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// serverDelay is how long the delayed platform takes to answer a GraphQL request.
const serverDelay = 20 * time.Millisecond

// addresses are where the platforms' process listens.
type addresses struct {
	Fast    string `json:"fast"`
	Delayed string `json:"delayed"`
}

// servePlatforms serves both platforms on loopback until its input ends, and
// says where on its output.
func servePlatforms(in io.Reader, out io.Writer) error {
	var at addresses
	failed := make(chan error, 2)
	for url, handler := range map[*string]http.Handler{
		&at.Fast:    newPlatform(newCanned(), 0),
		&at.Delayed: newPlatform(newStock(), serverDelay),
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it lives as long as the process
		if err != nil {
			return err
		}
		*url = "http://" + listener.Addr().String()
		server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
		go func() { failed <- server.Serve(listener) }()
	}
	if err := json.NewEncoder(out).Encode(at); err != nil {
		return err
	}
	go func() {
		_, err := io.Copy(io.Discard, in)
		failed <- err
	}()
	return <-failed
}

// process is a child that answers each line on its input with one of JSON on its
// output, and ends when its input does.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(ctx context.Context, name string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &process{cmd: cmd, in: in, out: bufio.NewReader(out)}, nil
}

// startPlatforms starts this program once more, as the platforms.
func startPlatforms(ctx context.Context) (*process, addresses, error) {
	var at addresses
	self, err := os.Executable()
	if err != nil {
		return nil, at, err
	}
	p, err := start(ctx, self, platformCommand)
	if err != nil {
		return nil, at, err
	}
	return p, at, p.read(&at)
}

// read reads one line.
func (p *process) read(into any) error {
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("%s: %w", p.cmd.Path, err)
	}
	return json.Unmarshal(line, into)
}

// ask writes a line and reads the answer.
func (p *process) ask(line []byte, into any) error {
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return err
	}
	return p.read(into)
}

// stop ends the process and waits for it.
func (p *process) stop() error {
	return errors.Join(p.in.Close(), p.cmd.Wait())
}

// countsOf asks a platform what it was asked for so far.
func countsOf(ctx context.Context, url string) (counts, error) {
	var c counts
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+countsPath, http.NoBody)
	if err != nil {
		return c, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return c, err
	}
	defer func() { _ = resp.Body.Close() }()
	return c, json.NewDecoder(resp.Body).Decode(&c)
}
