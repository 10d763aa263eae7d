package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
)

const ttl = 300 * time.Second

// find returns the JSON of an order; nil if there is none.
type find func(ctx context.Context, uid string) ([]byte, error)

// reader returns an order from the database.
type reader func(ctx context.Context, pool *pgxpool.Pool, uid string) (*Order, error)

// cacheAside asks Redis before the database and fills it behind.
func cacheAside(pool *pgxpool.Pool, cache *redis.Client, from reader) find {
	return func(ctx context.Context, uid string) ([]byte, error) {
		key := "order:" + uid
		cached, err := cache.Get(ctx, key).Bytes()
		if err == nil {
			return cached, nil
		}
		if !errors.Is(err, redis.Nil) {
			return nil, err
		}
		order, err := from(ctx, pool, uid)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		body, err := json.Marshal(order)
		if err != nil {
			return nil, err
		}
		return body, cache.Set(ctx, key, body, ttl).Err()
	}
}

// inMemory loads all orders before it answers, and asks nobody afterwards.
func inMemory(ctx context.Context, pool *pgxpool.Pool) (find, error) {
	orders, err := readAll(ctx, pool)
	if err != nil {
		return nil, err
	}
	// Ready bytes: to encode each answer anew would only make it slower.
	bodies := make(map[string][]byte, len(orders))
	for uid, order := range orders {
		if bodies[uid], err = json.Marshal(order); err != nil {
			return nil, err
		}
	}
	return func(_ context.Context, uid string) ([]byte, error) { return bodies[uid], nil }, nil
}

// routes answers GET /order/{uid}, and GET /up once everything is connected.
func routes(look find) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /up", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("up"))
	})
	mux.HandleFunc("GET /order/{uid}", func(w http.ResponseWriter, r *http.Request) {
		body, err := look(r.Context(), r.PathValue("uid"))
		switch {
		case err != nil:
			http.Error(w, "unavailable", http.StatusServiceUnavailable)
		case body == nil:
			http.NotFound(w, r)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			_, _ = w.Write(body)
		}
	})
	return mux
}
