package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	insertOrder = `INSERT INTO plain.orders (order_uid, track_number, entry, locale,
		internal_signature, customer_id, delivery_service, shardkey, sm_id, date_created, oof_shard)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (order_uid) DO UPDATE SET track_number = excluded.track_number,
		entry = excluded.entry, locale = excluded.locale,
		internal_signature = excluded.internal_signature, customer_id = excluded.customer_id,
		delivery_service = excluded.delivery_service, shardkey = excluded.shardkey,
		sm_id = excluded.sm_id, date_created = excluded.date_created, oof_shard = excluded.oof_shard`
	insertDelivery = `INSERT INTO plain.deliveries (order_uid, name, phone, zip, city, address,
		region, email) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (order_uid) DO UPDATE SET name = excluded.name, phone = excluded.phone,
		zip = excluded.zip, city = excluded.city, address = excluded.address,
		region = excluded.region, email = excluded.email`
	insertPayment = `INSERT INTO plain.payments (order_uid, transaction, request_id, currency,
		provider, amount, payment_dt, bank, delivery_cost, goods_total, custom_fee)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (order_uid) DO UPDATE SET transaction = excluded.transaction,
		request_id = excluded.request_id, currency = excluded.currency,
		provider = excluded.provider, amount = excluded.amount, payment_dt = excluded.payment_dt,
		bank = excluded.bank, delivery_cost = excluded.delivery_cost,
		goods_total = excluded.goods_total, custom_fee = excluded.custom_fee`
	deleteItems = `DELETE FROM plain.items WHERE order_uid = $1`
	insertItem  = `INSERT INTO plain.items (order_uid, position, chrt_id, track_number, price, rid,
		name, sale, size, total_price, nm_id, brand, status)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
)

var errInvalid = errors.New("not an order")

// statements returns the writes of one order.
func statements(o *Order) *pgx.Batch {
	d, p := &o.Delivery, &o.Payment
	batch := &pgx.Batch{}
	batch.Queue(insertOrder, o.OrderUID, o.TrackNumber, o.Entry, o.Locale, o.InternalSignature,
		o.CustomerID, o.DeliveryService, o.ShardKey, o.SmID, o.DateCreated, o.OofShard)
	batch.Queue(insertDelivery, o.OrderUID, d.Name, d.Phone, d.Zip, d.City, d.Address, d.Region,
		d.Email)
	batch.Queue(insertPayment, o.OrderUID, p.Transaction, p.RequestID, p.Currency, p.Provider,
		p.Amount, p.PaymentDt, p.Bank, p.DeliveryCost, p.GoodsTotal, p.CustomFee)
	batch.Queue(deleteItems, o.OrderUID)
	for position, i := range o.Items {
		batch.Queue(insertItem, o.OrderUID, position+1, i.ChrtID, i.TrackNumber, i.Price, i.RID,
			i.Name, i.Sale, i.Size, i.TotalPrice, i.NmID, i.Brand, i.Status)
	}
	return batch
}

// send runs the statements of one order.
type send func(ctx context.Context, tx pgx.Tx, batch *pgx.Batch) error

// oneByOne makes a round trip of each statement, as such programs usually do.
func oneByOne(ctx context.Context, tx pgx.Tx, batch *pgx.Batch) error {
	for _, query := range batch.QueuedQueries {
		if _, err := tx.Exec(ctx, query.SQL, query.Arguments...); err != nil {
			return err
		}
	}
	return nil
}

// together sends all statements in one round trip.
func together(ctx context.Context, tx pgx.Tx, batch *pgx.Batch) error {
	return tx.SendBatch(ctx, batch).Close()
}

func store(ctx context.Context, pool *pgxpool.Pool, order *Order, by send) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		return by(ctx, tx, statements(order))
	})
}

func parse(value []byte) (*Order, error) {
	order := new(Order)
	if err := json.Unmarshal(value, order); err != nil {
		return nil, err
	}
	if order.OrderUID == "" || len(order.Items) == 0 || order.Delivery.Name == "" {
		return nil, errInvalid
	}
	return order, nil
}

// consume stores each message in a transaction of its own, sets it in the cache, and commits
// the offsets once a poll.
func consume(ctx context.Context, pool *pgxpool.Pool, cache *redis.Client, by send) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(os.Getenv("KAFKA_BOOTSTRAP_SERVERS"), ",")...),
		kgo.ConsumerGroup(os.Getenv("ORDERS_GROUP_ID")),
		kgo.ConsumeTopics(os.Getenv("ORDERS_TOPIC")),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	for ctx.Err() == nil {
		// A bounded poll, so that its offsets are committed before long.
		fetches := client.PollRecords(ctx, 500)
		for _, record := range fetches.Records() {
			order, err := parse(record.Value)
			if err != nil {
				return err
			}
			if err := store(ctx, pool, order, by); err != nil {
				return err
			}
			if err := cache.Set(ctx, "order:"+order.OrderUID, record.Value, ttl).Err(); err != nil {
				return err
			}
		}
		if err := client.CommitUncommittedOffsets(ctx); err != nil {
			return err
		}
	}
	return nil
}
