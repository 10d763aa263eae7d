package main

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// readAll returns all orders by uid, by one query a table.
func readAll(ctx context.Context, pool *pgxpool.Pool) (map[string]*Order, error) {
	orders := make(map[string]*Order)
	steps := []struct {
		query string
		scan  func(pgx.Rows) error
	}{
		{`SELECT order_uid, track_number, entry, locale, internal_signature, customer_id,
			delivery_service, shardkey, sm_id, date_created, oof_shard FROM orders.orders`,
			func(rows pgx.Rows) error {
				order := new(Order)
				err := order.scanHead(rows)
				orders[order.OrderUID] = order
				return err
			}},
		{`SELECT order_uid, name, phone, zip, city, address, region, email FROM orders.deliveries`,
			func(rows pgx.Rows) error {
				var uid string
				var d Delivery
				err := rows.Scan(&uid, &d.Name, &d.Phone, &d.Zip, &d.City, &d.Address, &d.Region,
					&d.Email)
				if order := orders[uid]; order != nil {
					order.Delivery = d
				}
				return err
			}},
		{`SELECT order_uid, transaction, request_id, currency, provider, amount, payment_dt, bank,
			delivery_cost, goods_total, custom_fee FROM orders.payments`,
			func(rows pgx.Rows) error {
				var uid string
				var p Payment
				err := rows.Scan(&uid, &p.Transaction, &p.RequestID, &p.Currency, &p.Provider,
					&p.Amount, &p.PaymentDt, &p.Bank, &p.DeliveryCost, &p.GoodsTotal, &p.CustomFee)
				if order := orders[uid]; order != nil {
					order.Payment = p
				}
				return err
			}},
		{`SELECT order_uid, chrt_id, track_number, price, rid, name, sale, size, total_price, nm_id,
			brand, status FROM orders.items ORDER BY order_uid, position`,
			func(rows pgx.Rows) error {
				var uid string
				var i Item
				err := rows.Scan(&uid, &i.ChrtID, &i.TrackNumber, &i.Price, &i.RID, &i.Name,
					&i.Sale, &i.Size, &i.TotalPrice, &i.NmID, &i.Brand, &i.Status)
				if order := orders[uid]; order != nil {
					order.Items = append(order.Items, i)
				}
				return err
			}},
	}
	for _, step := range steps {
		rows, err := pool.Query(ctx, step.query)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			if err := step.scan(rows); err != nil {
				rows.Close()
				return nil, err
			}
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return orders, nil
}
