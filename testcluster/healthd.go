// healthd stands in for what runs in the pods that kwok only pretends to run: it answers on their ports.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The health ports of the Lucid release, and a few that synthetic releases use.
const (
	defaultHTTPPorts = "8080,8081,8010,8020,8083,8084,8085,8086,8087,8089,8090,8091,8092,8093,8094,8095,8096,8097," +
		"8100,8101,8113,8201,8250,8500,8501,8502,9200"
	defaultTCPPorts = "27017,6379,3389,3350,9300"
)

// How long a connection to a TCP port may stay open without a word.
const idle = 30 * time.Second

func runHealthd() int {
	flags := flag.NewFlagSet("healthd", flag.ContinueOnError)
	httpPorts := flags.String("http", defaultHTTPPorts, "ports that answer HTTP 200 on every path")
	tcpPorts := flags.String("tcp", defaultTCPPorts, "ports that accept connections and speak no HTTP")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *httpPorts, *tcpPorts); err != nil {
		fmt.Fprintln(os.Stderr, "healthd:", err)
		return 1
	}
	return 0
}

// serve answers on all ports of all local addresses until ctx ends. No port is served if one of them is taken.
func serve(ctx context.Context, httpPorts, tcpPorts string) error {
	web, err := listen(httpPorts)
	if err != nil {
		return err
	}
	raw, err := listen(tcpPorts)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(healthy), ReadHeaderTimeout: idle, IdleTimeout: idle}
	var running sync.WaitGroup
	for _, l := range web {
		running.Go(func() { _ = server.Serve(l) })
	}
	for _, l := range raw {
		running.Go(func() { accept(l) })
	}
	fmt.Printf("healthd: answering on %d HTTP and %d TCP ports\n", len(web), len(raw))
	<-ctx.Done()
	closing := server.Close()
	for _, l := range raw {
		closing = errors.Join(closing, l.Close())
	}
	running.Wait()
	return closing
}

func healthy(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"status":"ok"}`+"\n")
}

// accept refuses what arrives in words that no HTTP client takes for an answer, as a database does.
func accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(idle))
			if n, err := conn.Read(make([]byte, 512)); err == nil && n > 0 {
				_, _ = io.WriteString(conn, "-ERR unknown command\r\n")
			}
		}()
	}
}

func listen(ports string) ([]net.Listener, error) {
	var all []net.Listener
	for _, field := range strings.Split(ports, ",") {
		if field = strings.TrimSpace(field); field == "" {
			continue
		}
		port, err := strconv.ParseUint(field, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("port %q: not a number up to 65535", field)
		}
		l, err := net.Listen("tcp", net.JoinHostPort("", strconv.FormatUint(port, 10)))
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}
