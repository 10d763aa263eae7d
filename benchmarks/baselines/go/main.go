// Command baseline does the service's job as it is usually done in Go, and does it well: net/http, a
// pgx pool whose statements are prepared once, go-redis, nothing logged on the way of a request.
//
// Usage: baseline cached | pipelined | memory | consume | consume-pipelined
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
)

// connections is the most of the pool: more than two cores' worth of queries only gets in each
// other's way, fewer leave the database waiting. 4, 8, 16 and 32 were tried.
const connections = 8

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, mode string) error {
	pool, err := openPool(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	options, err := redis.ParseURL(os.Getenv("REDIS_URL"))
	if err != nil {
		return err
	}
	cache := redis.NewClient(options)
	defer cache.Close()
	switch mode {
	case "consume":
		return consume(ctx, pool, cache, oneByOne)
	case "consume-pipelined":
		return consume(ctx, pool, cache, together)
	case "cached":
		return serve(ctx, cacheAside(pool, cache, read))
	case "pipelined":
		return serve(ctx, cacheAside(pool, cache, readPipelined))
	case "memory":
		look, err := inMemory(ctx, pool)
		if err != nil {
			return err
		}
		return serve(ctx, look)
	}
	return fmt.Errorf("not a mode: %s", mode)
}

func openPool(ctx context.Context) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(os.Getenv("BENCH_DSN"))
	if err != nil {
		return nil, err
	}
	config.MaxConns, config.MinConns = connections, connections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return pool, pool.Ping(ctx)
}

func serve(ctx context.Context, look find) error {
	server := &http.Server{
		Addr:    net.JoinHostPort("127.0.0.1", os.Getenv("HTTP_PORT")),
		Handler: routes(look),
	}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
