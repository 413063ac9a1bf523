// The processes of one cluster: started one after the other, stopped in the reverse order.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// How often a component that is starting is asked whether it serves.
	askEvery = 25 * time.Millisecond
	// How long a component may take to end by itself before it is killed.
	grace = 5 * time.Second
)

var errStopped = errors.New("stopped before it was up")

// member is one component that was started.
type member struct {
	Name string `json:"name"`
	Pid  int    `json:"pid"`
	cmd  *exec.Cmd
	// ended is closed once the process is reaped; err is set before that.
	ended chan struct{}
	err   error
}

type crew struct {
	dir      string
	progress io.Writer
	members  []*member
}

// take does one step of the plan, within its bound, unless stop comes first.
func (c *crew) take(step Step, stop <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(step.Within)*time.Second)
	defer cancel()
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	if len(step.Run) > 0 {
		return c.run(ctx, step)
	}
	m, err := c.start(step)
	if err != nil || step.Ready == "" {
		return err
	}
	return m.serving(ctx, step.Ready)
}

func (c *crew) run(ctx context.Context, step Step) error {
	cmd := exec.CommandContext(ctx, step.Run[0], step.Run[1:]...)
	cmd.Dir = c.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(step.Run, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

func (c *crew) start(step Step) (*member, error) {
	log, err := os.Create(filepath.Join(c.dir, step.Name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(step.Start[0], step.Start[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	m := &member{Name: step.Name, Pid: cmd.Process.Pid, cmd: cmd, ended: make(chan struct{})}
	c.members = append(c.members, m)
	go func() {
		m.err = cmd.Wait()
		fmt.Fprintf(c.progress, "ended %s: %s\n", m.Name, cmd.ProcessState)
		close(m.ended)
	}()
	return m, c.record()
}

// record writes who runs under which process id, for `cargo xtask cluster status`.
func (c *crew) record() error {
	raw, err := json.Marshal(c.members)
	if err != nil {
		return err
	}
	next := filepath.Join(c.dir, "components.json.new")
	if err := os.WriteFile(next, raw, 0o644); err != nil {
		return err
	}
	return os.Rename(next, filepath.Join(c.dir, "components.json"))
}

// serving waits until the component answers 200 at the address.
func (m *member) serving(ctx context.Context, url string) error {
	// Only this machine's own components are asked, before anyone holds the certificate authority.
	insecure := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	client := &http.Client{Transport: insecure, Timeout: 2 * time.Second}
	last := errors.New("not asked yet")
	for {
		if last = ask(ctx, client, url); last == nil {
			return nil
		}
		select {
		case <-m.ended:
			return fmt.Errorf("ended while starting (%s); see %s.log", m.cmd.ProcessState, m.Name)
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return errStopped
			}
			return fmt.Errorf("not serving in time: %w; see %s.log", last, m.Name)
		case <-time.After(askEvery):
		}
	}
}

func ask(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 2048))
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(body)))
	}
	return nil
}

// stop ends all components, the newest first, each one before the next is asked to.
func (c *crew) stop() {
	for i := len(c.members) - 1; i >= 0; i-- {
		c.members[i].stop()
	}
}

func (m *member) stop() {
	_ = m.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-m.ended:
		return
	case <-time.After(grace):
	}
	_ = m.cmd.Process.Kill()
	<-m.ended
}
