package main

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	selectOrder = `SELECT order_uid, track_number, entry, locale, internal_signature, customer_id,
		delivery_service, shardkey, sm_id, date_created, oof_shard
		FROM orders.orders WHERE order_uid = $1`
	selectDelivery = `SELECT name, phone, zip, city, address, region, email
		FROM orders.deliveries WHERE order_uid = $1`
	selectPayment = `SELECT transaction, request_id, currency, provider, amount, payment_dt, bank,
		delivery_cost, goods_total, custom_fee FROM orders.payments WHERE order_uid = $1`
	selectItems = `SELECT chrt_id, track_number, price, rid, name, sale, size, total_price, nm_id,
		brand, status FROM orders.items WHERE order_uid = $1 ORDER BY position`
)

// querier is a connection or a pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func (o *Order) scanHead(row pgx.Row) error {
	err := row.Scan(&o.OrderUID, &o.TrackNumber, &o.Entry, &o.Locale, &o.InternalSignature,
		&o.CustomerID, &o.DeliveryService, &o.ShardKey, &o.SmID, &o.DateCreated, &o.OofShard)
	o.DateCreated = o.DateCreated.UTC()
	return err
}

func (d *Delivery) scan(row pgx.Row) error {
	return row.Scan(&d.Name, &d.Phone, &d.Zip, &d.City, &d.Address, &d.Region, &d.Email)
}

func (p *Payment) scan(row pgx.Row) error {
	return row.Scan(&p.Transaction, &p.RequestID, &p.Currency, &p.Provider, &p.Amount, &p.PaymentDt,
		&p.Bank, &p.DeliveryCost, &p.GoodsTotal, &p.CustomFee)
}

func scanItem(row pgx.CollectableRow) (i Item, err error) {
	err = row.Scan(&i.ChrtID, &i.TrackNumber, &i.Price, &i.RID, &i.Name, &i.Sale, &i.Size,
		&i.TotalPrice, &i.NmID, &i.Brand, &i.Status)
	return i, err
}

// read returns an order by one query a table, each a round trip, all on one connection;
// pgx.ErrNoRows if there is none.
func read(ctx context.Context, pool *pgxpool.Pool, uid string) (*Order, error) {
	connection, err := pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer connection.Release()
	return readBy(ctx, connection, uid)
}

func readBy(ctx context.Context, db querier, uid string) (*Order, error) {
	order := new(Order)
	if err := order.scanHead(db.QueryRow(ctx, selectOrder, uid)); err != nil {
		return nil, err
	}
	if err := order.Delivery.scan(db.QueryRow(ctx, selectDelivery, uid)); err != nil {
		return nil, err
	}
	if err := order.Payment.scan(db.QueryRow(ctx, selectPayment, uid)); err != nil {
		return nil, err
	}
	rows, err := db.Query(ctx, selectItems, uid)
	if err != nil {
		return nil, err
	}
	order.Items, err = pgx.CollectRows(rows, scanItem)
	return order, err
}

// readPipelined does the same with all four queries in one round trip.
func readPipelined(ctx context.Context, pool *pgxpool.Pool, uid string) (*Order, error) {
	batch := &pgx.Batch{}
	for _, query := range []string{selectOrder, selectDelivery, selectPayment, selectItems} {
		batch.Queue(query, uid)
	}
	results := pool.SendBatch(ctx, batch)
	defer results.Close()
	order := new(Order)
	if err := order.scanHead(results.QueryRow()); err != nil {
		return nil, err
	}
	if err := order.Delivery.scan(results.QueryRow()); err != nil {
		return nil, err
	}
	if err := order.Payment.scan(results.QueryRow()); err != nil {
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	order.Items, err = pgx.CollectRows(rows, scanItem)
	return order, err
}
