-- The statements of the orders repository.

-- name: save_orders
-- Orders of which some may be stored already, in one statement, so in one transaction and one round trip: the database
-- unpacks the orders' canonical JSON itself, which leaves the client next to no work.
-- Rows of the three dependent tables follow those of the orders that were written.
WITH incoming AS MATERIALIZED (
    SELECT decode(r.digest, 'hex') AS digest, r.stream, r.partition, r."offset", r.renews, o.*
    FROM jsonb_to_recordset(%(records)s::jsonb) AS r(
             digest text, stream uuid, partition integer, "offset" bigint, renews boolean,
             "order" jsonb)
         CROSS JOIN LATERAL jsonb_to_record(r."order") AS o(
             order_uid text, track_number text, entry text, delivery jsonb, payment jsonb,
             items jsonb, locale text, internal_signature text, customer_id text,
             delivery_service text, shardkey text, sm_id integer, date_created timestamptz,
             oof_shard text)
), written AS (
    INSERT INTO orders.orders AS stored (
        order_uid, track_number, entry, locale, internal_signature, customer_id,
        delivery_service, shardkey, sm_id, date_created, oof_shard,
        digest, source_stream, source_partition, source_offset)
    SELECT order_uid, track_number, entry, locale, internal_signature, customer_id,
           delivery_service, shardkey, sm_id, date_created, oof_shard,
           digest, stream, partition, "offset"
    FROM incoming
    ON CONFLICT (order_uid) DO UPDATE SET
        track_number = excluded.track_number, entry = excluded.entry,
        locale = excluded.locale, internal_signature = excluded.internal_signature,
        customer_id = excluded.customer_id, delivery_service = excluded.delivery_service,
        shardkey = excluded.shardkey, sm_id = excluded.sm_id,
        date_created = excluded.date_created, oof_shard = excluded.oof_shard,
        digest = excluded.digest, source_stream = excluded.source_stream,
        source_partition = excluded.source_partition, source_offset = excluded.source_offset,
        stored_at = CASE WHEN stored.digest = excluded.digest THEN stored.stored_at ELSE now() END
    -- A consumer that was frozen may come back with messages from before this row. Where the
    -- batch held other content before it came back to the stored one, the place is renewed,
    -- though nothing else: else that other content would pass for newer. A plain repetition
    -- writes nothing.
    WHERE (stored.digest <> excluded.digest
           OR excluded.order_uid = ANY (ARRAY(SELECT order_uid FROM incoming WHERE renews)))
      AND (stored.source_stream = excluded.source_stream
           AND stored.source_partition = excluded.source_partition
           AND stored.source_offset >= excluded.source_offset) IS NOT TRUE
    -- Only what was written now bears the time of this transaction.
    RETURNING order_uid, xmax = 0 AS created, stored.stored_at = now() AS rewritten
), changed AS MATERIALIZED (
    SELECT written.created, incoming.order_uid, delivery, payment, items
    FROM incoming JOIN written USING (order_uid)
    WHERE written.rewritten
), delivered AS (
    INSERT INTO orders.deliveries (order_uid, name, phone, zip, city, address, region, email)
    SELECT order_uid, d.*
    FROM changed CROSS JOIN LATERAL jsonb_to_record(delivery) AS d(
        name text, phone text, zip text, city text, address text, region text, email text)
    ON CONFLICT (order_uid) DO UPDATE SET
        name = excluded.name, phone = excluded.phone, zip = excluded.zip,
        city = excluded.city, address = excluded.address, region = excluded.region,
        email = excluded.email
), paid AS (
    INSERT INTO orders.payments (
        order_uid, transaction, request_id, currency, provider, amount, payment_dt, bank,
        delivery_cost, goods_total, custom_fee)
    SELECT order_uid, p.*
    FROM changed CROSS JOIN LATERAL jsonb_to_record(payment) AS p(
        transaction text, request_id text, currency text, provider text, amount bigint,
        payment_dt bigint, bank text, delivery_cost bigint, goods_total bigint,
        custom_fee bigint)
    ON CONFLICT (order_uid) DO UPDATE SET
        transaction = excluded.transaction, request_id = excluded.request_id,
        currency = excluded.currency, provider = excluded.provider, amount = excluded.amount,
        payment_dt = excluded.payment_dt, bank = excluded.bank,
        delivery_cost = excluded.delivery_cost, goods_total = excluded.goods_total,
        custom_fee = excluded.custom_fee
), packed AS (
    INSERT INTO orders.items (
        order_uid, position, chrt_id, track_number, price, rid, name, sale, size,
        total_price, nm_id, brand, status)
    SELECT order_uid, i.position, i.chrt_id, i.track_number, i.price, i.rid, i.name, i.sale,
           i.size, i.total_price, i.nm_id, i.brand, i.status
    FROM changed CROSS JOIN LATERAL ROWS FROM (
        jsonb_to_recordset(items) AS (
            chrt_id bigint, track_number text, price bigint, rid text, name text,
            sale integer, size text, total_price bigint, nm_id bigint, brand text,
            status integer)
    ) WITH ORDINALITY AS i(
        chrt_id, track_number, price, rid, name, sale, size, total_price, nm_id, brand,
        status, position)
    ON CONFLICT (order_uid, position) DO UPDATE SET
        chrt_id = excluded.chrt_id, track_number = excluded.track_number,
        price = excluded.price, rid = excluded.rid, name = excluded.name,
        sale = excluded.sale, size = excluded.size, total_price = excluded.total_price,
        nm_id = excluded.nm_id, brand = excluded.brand, status = excluded.status
), unpacked AS (
    DELETE FROM orders.items USING changed
    -- The array makes the index the only way: a join would be planned as a scan of all items.
    WHERE items.order_uid = ANY (ARRAY(SELECT order_uid FROM changed WHERE NOT created))
      AND items.order_uid = changed.order_uid
      AND items.position > jsonb_array_length(changed.items)
)
SELECT order_uid, created FROM written WHERE rewritten

-- name: stored_uids
-- Which of these orders are stored. The limit makes the index the only way: before Postgres
-- knows how a new table has grown, it would rather scan the whole of it.
SELECT stored.order_uid
FROM unnest(%(uids)s::varchar[]) AS wanted (order_uid)
     CROSS JOIN LATERAL (
         SELECT o.order_uid FROM orders.orders o WHERE o.order_uid = wanted.order_uid LIMIT 1
     ) AS stored

-- name: standings
-- Where the stored content of these orders came from; as `stored_uids`, by the index only.
SELECT stored.*
FROM unnest(%(uids)s::varchar[]) AS wanted (order_uid)
     CROSS JOIN LATERAL (
         SELECT o.order_uid, encode(o.digest, 'hex'), o.source_stream::text, o.source_partition,
                o.source_offset, (extract(epoch FROM o.stored_at) * 1000)::bigint
         FROM orders.orders o WHERE o.order_uid = wanted.order_uid LIMIT 1
     ) AS stored

-- name: copy_orders
-- New orders come in by COPY, which costs the database half of what `save_orders` does. The
-- columns are in the order in which `rows` writes them.
COPY orders.orders (
    order_uid, track_number, entry, locale, internal_signature, customer_id, delivery_service,
    shardkey, sm_id, date_created, oof_shard,
    digest, source_stream, source_partition, source_offset) FROM STDIN

-- name: copy_deliveries
COPY orders.deliveries (order_uid, name, phone, zip, city, address, region, email) FROM STDIN

-- name: copy_payments
COPY orders.payments (
    order_uid, transaction, request_id, currency, provider, amount, payment_dt, bank,
    delivery_cost, goods_total, custom_fee) FROM STDIN

-- name: copy_items
COPY orders.items (
    order_uid, position, chrt_id, track_number, price, rid, name, sale, size, total_price,
    nm_id, brand, status) FROM STDIN

-- name: find_orders
-- Orders as canonical JSON with their digests, from a source that is put in: `one_order` or
-- `listed_orders`.
-- Rows become JSON without spaces and in the order of their columns, as `Document` wants it.
SELECT o.order_uid, encode(o.digest, 'hex'), (
    SELECT row_to_json(document)::text FROM (
        SELECT o.order_uid, o.track_number, o.entry, (
                SELECT row_to_json(part) FROM (
                    SELECT d.name, d.phone, d.zip, d.city, d.address, d.region, d.email
                ) part
            ) AS delivery, (
                SELECT row_to_json(part) FROM (
                    SELECT p.transaction, p.request_id, p.currency, p.provider, p.amount,
                           p.payment_dt, p.bank, p.delivery_cost, p.goods_total, p.custom_fee
                ) part
            ) AS payment, array_to_json(ARRAY(
                SELECT row_to_json(part) FROM (
                    SELECT i.chrt_id, i.track_number, i.price, i.rid, i.name, i.sale, i.size,
                           i.total_price, i.nm_id, i.brand, i.status
                    FROM orders.items i WHERE i.order_uid = o.order_uid ORDER BY i.position
                ) part
            )) AS items,
            o.locale, o.internal_signature, o.customer_id, o.delivery_service, o.shardkey, o.sm_id,
            to_char(o.date_created, CASE
                WHEN o.date_created = date_trunc('second', o.date_created)
                THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END
            ) AS date_created,
            o.oof_shard
    ) document)
FROM {source}

-- name: one_order
orders.orders o
     JOIN orders.deliveries d USING (order_uid)
     JOIN orders.payments p USING (order_uid)
WHERE order_uid = %(uid)s

-- name: listed_orders
-- Uids with commas in between. Postgres assumes the same number of them whatever the text, so that
-- one plan is as good as any other and is kept; an array would be planned anew at every call, as
-- its length tells, which takes several times as long as to run it. The limits make the indexes
-- the only way.
string_to_table(%(uids)s, ',') AS wanted (uid)
     CROSS JOIN LATERAL (
         SELECT * FROM orders.orders WHERE order_uid = wanted.uid LIMIT 1
     ) AS o
     CROSS JOIN LATERAL (
         SELECT * FROM orders.deliveries WHERE order_uid = o.order_uid LIMIT 1
     ) AS d
     CROSS JOIN LATERAL (
         SELECT * FROM orders.payments WHERE order_uid = o.order_uid LIMIT 1
     ) AS p

-- name: newest_uids
SELECT order_uid, date_created FROM orders.orders
WHERE (date_created, order_uid) < (%(date_created)s, %(order_uid)s)
ORDER BY date_created DESC, order_uid DESC
LIMIT %(limit)s

-- name: search_orders
-- The conditions of a filter are appended to the first one; each has an index of its own,
-- which a statement that tested for "no filter" itself would not use.
SELECT page.order_uid, track_number, customer_id, delivery_service, date_created,
       currency, amount,
       (SELECT count(*) FROM orders.items WHERE items.order_uid = page.order_uid)
FROM (
    SELECT * FROM orders.orders
    WHERE (date_created, order_uid) < (%(date_created)s, %(order_uid)s) {conditions}
    ORDER BY date_created DESC, order_uid DESC
    LIMIT %(limit)s
) page JOIN orders.payments USING (order_uid)
ORDER BY date_created DESC, order_uid DESC

-- name: check_schema
SELECT 1 FROM orders.orders LIMIT 1
