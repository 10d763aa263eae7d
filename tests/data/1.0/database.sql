-- A database of version 1.0: three orders, one of them replaced, and two keys, one of them revoked.
--
-- Made with the code of version 1.0: `migrate up` as superuser on an empty database, orders saved by
-- its consumer's repository, keys made by its `keys` commands; then `pg_dump --inserts --no-owner`,
-- without comments and without psql's \restrict. The service's role is called service_of_the_dump.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE SCHEMA access;

CREATE SCHEMA orders;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE access.api_keys (
    digest bytea NOT NULL,
    name character varying(64) NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT api_keys_check CHECK ((revoked_at >= created_at)),
    CONSTRAINT api_keys_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT api_keys_name_check CHECK (((name)::text ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$'::text)),
    CONSTRAINT api_keys_scopes_check CHECK ((cardinality(scopes) > 0))
);

CREATE TABLE orders.deliveries (
    order_uid character varying(64) NOT NULL COLLATE pg_catalog."C",
    name character varying(255) NOT NULL,
    phone character varying(255) NOT NULL,
    zip character varying(255) NOT NULL,
    city character varying(255) NOT NULL,
    address character varying(255) NOT NULL,
    region character varying(255) NOT NULL,
    email character varying(255) NOT NULL,
    CONSTRAINT deliveries_address_check CHECK (((address)::text <> ''::text)),
    CONSTRAINT deliveries_city_check CHECK (((city)::text <> ''::text)),
    CONSTRAINT deliveries_email_check CHECK (((email)::text ~~ '%_@_%'::text)),
    CONSTRAINT deliveries_name_check CHECK (((name)::text <> ''::text)),
    CONSTRAINT deliveries_phone_check CHECK (((phone)::text <> ''::text)),
    CONSTRAINT deliveries_region_check CHECK (((region)::text <> ''::text)),
    CONSTRAINT deliveries_zip_check CHECK (((zip)::text <> ''::text))
);

CREATE TABLE orders.items (
    order_uid character varying(64) NOT NULL COLLATE pg_catalog."C",
    "position" integer NOT NULL,
    chrt_id bigint NOT NULL,
    track_number character varying(255) NOT NULL,
    price bigint NOT NULL,
    rid character varying(255) NOT NULL,
    name character varying(255) NOT NULL,
    sale integer NOT NULL,
    size character varying(255) NOT NULL,
    total_price bigint NOT NULL,
    nm_id bigint NOT NULL,
    brand character varying(255) NOT NULL,
    status integer NOT NULL,
    CONSTRAINT items_brand_check CHECK (((brand)::text <> ''::text)),
    CONSTRAINT items_chrt_id_check CHECK ((chrt_id >= 0)),
    CONSTRAINT items_name_check CHECK (((name)::text <> ''::text)),
    CONSTRAINT items_nm_id_check CHECK ((nm_id >= 0)),
    CONSTRAINT items_position_check CHECK (("position" >= 1)),
    CONSTRAINT items_price_check CHECK ((price >= 0)),
    CONSTRAINT items_rid_check CHECK (((rid)::text <> ''::text)),
    CONSTRAINT items_sale_check CHECK ((sale >= 0)),
    CONSTRAINT items_size_check CHECK (((size)::text <> ''::text)),
    CONSTRAINT items_status_check CHECK ((status >= 0)),
    CONSTRAINT items_total_price_check CHECK ((total_price >= 0)),
    CONSTRAINT items_track_number_check CHECK (((track_number)::text <> ''::text))
);

CREATE TABLE orders.orders (
    order_uid character varying(64) NOT NULL COLLATE pg_catalog."C",
    track_number character varying(255) NOT NULL,
    entry character varying(255) NOT NULL,
    locale character varying(255) NOT NULL,
    internal_signature character varying(255) NOT NULL,
    customer_id character varying(255) NOT NULL,
    delivery_service character varying(255) NOT NULL,
    shardkey character varying(255) NOT NULL,
    sm_id integer NOT NULL,
    date_created timestamp with time zone NOT NULL,
    oof_shard character varying(255) NOT NULL,
    digest bytea NOT NULL,
    source_stream uuid,
    source_partition integer NOT NULL,
    source_offset bigint NOT NULL,
    stored_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT orders_customer_id_check CHECK (((customer_id)::text <> ''::text)),
    CONSTRAINT orders_date_created_check CHECK (((date_created >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (date_created < '10000-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT orders_delivery_service_check CHECK (((delivery_service)::text <> ''::text)),
    CONSTRAINT orders_digest_check CHECK ((octet_length(digest) = 16)),
    CONSTRAINT orders_entry_check CHECK (((entry)::text <> ''::text)),
    CONSTRAINT orders_locale_check CHECK (((locale)::text <> ''::text)),
    CONSTRAINT orders_oof_shard_check CHECK (((oof_shard)::text <> ''::text)),
    CONSTRAINT orders_order_uid_check CHECK (((order_uid)::text <> ''::text)),
    CONSTRAINT orders_shardkey_check CHECK (((shardkey)::text <> ''::text)),
    CONSTRAINT orders_sm_id_check CHECK ((sm_id >= 0)),
    CONSTRAINT orders_track_number_check CHECK (((track_number)::text <> ''::text))
);

CREATE TABLE orders.payments (
    order_uid character varying(64) NOT NULL COLLATE pg_catalog."C",
    transaction character varying(255) NOT NULL,
    request_id character varying(255) NOT NULL,
    currency character varying(3) NOT NULL,
    provider character varying(255) NOT NULL,
    amount bigint NOT NULL,
    payment_dt bigint NOT NULL,
    bank character varying(255) NOT NULL,
    delivery_cost bigint NOT NULL,
    goods_total bigint NOT NULL,
    custom_fee bigint NOT NULL,
    CONSTRAINT payments_amount_check CHECK ((amount >= 0)),
    CONSTRAINT payments_bank_check CHECK (((bank)::text <> ''::text)),
    CONSTRAINT payments_currency_check CHECK ((length((currency)::text) = 3)),
    CONSTRAINT payments_custom_fee_check CHECK ((custom_fee >= 0)),
    CONSTRAINT payments_delivery_cost_check CHECK ((delivery_cost >= 0)),
    CONSTRAINT payments_goods_total_check CHECK ((goods_total >= 0)),
    CONSTRAINT payments_payment_dt_check CHECK ((payment_dt > 0)),
    CONSTRAINT payments_provider_check CHECK (((provider)::text <> ''::text)),
    CONSTRAINT payments_transaction_check CHECK (((transaction)::text <> ''::text))
);

CREATE TABLE public._yoyo_log (
    id character varying(36) NOT NULL,
    migration_hash character varying(64),
    migration_id character varying(255),
    operation character varying(10),
    username character varying(255),
    hostname character varying(255),
    comment character varying(255),
    created_at_utc timestamp without time zone
);

CREATE TABLE public._yoyo_migration (
    migration_hash character varying(64) NOT NULL,
    migration_id character varying(255),
    applied_at_utc timestamp without time zone
);

CREATE TABLE public._yoyo_version (
    version integer NOT NULL,
    installed_at_utc timestamp without time zone
);

CREATE TABLE public.yoyo_lock (
    locked integer DEFAULT 1 NOT NULL,
    ctime timestamp without time zone,
    pid integer NOT NULL
);

INSERT INTO access.api_keys VALUES ('\x66c419b9c6f2d3f7c1ccd6fb329d854209d2cd292ed8a3c06489b357c1b1f0cf', 'shop', '{orders:read}', '2026-11-26 07:51:00.3697+00', NULL);
INSERT INTO access.api_keys VALUES ('\x9ab3ac18e038ce7fa26cc0b8aec0ec6dc2a8b735cdfbd6e751d06b60a0fabc08', 'old', '{metrics:read,orders:read}', '2026-11-26 07:51:00.37159+00', '2026-11-26 07:51:00.372629+00');

INSERT INTO orders.deliveries VALUES ('order-1', 'Test Testov', '+9720000000', '2639809', 'Kiryat Mozkin', 'Ploshad Mira 15', 'Kraiot', 'test@gmail.com');
INSERT INTO orders.deliveries VALUES ('order-3', 'Test Testov', '+9720000000', '2639809', 'Kiryat Mozkin', 'Ploshad Mira 15', 'Kraiot', 'test@gmail.com');
INSERT INTO orders.deliveries VALUES ('order-2', 'Test Testov', '+9720000000', '2639809', 'Kiryat Mozkin', 'Ploshad Mira 15', 'Kraiot', 'test@gmail.com');

INSERT INTO orders.items VALUES ('order-1', 1, 1, 'WBILMTESTTRACK', 453, 'ab4219087a764ae0btest', 'Item 1', 30, '0', 317, 2389212, 'Vivienne Sabo', 202);
INSERT INTO orders.items VALUES ('order-3', 1, 1, 'WBILMTESTTRACK', 453, 'ab4219087a764ae0btest', 'Item 1', 30, '0', 317, 2389212, 'Vivienne Sabo', 202);
INSERT INTO orders.items VALUES ('order-3', 2, 2, 'WBILMTESTTRACK', 453, 'ab4219087a764ae0btest', 'Item 2', 30, '0', 317, 2389212, 'Vivienne Sabo', 202);
INSERT INTO orders.items VALUES ('order-3', 3, 3, 'WBILMTESTTRACK', 453, 'ab4219087a764ae0btest', 'Item 3', 30, '0', 317, 2389212, 'Vivienne Sabo', 202);
INSERT INTO orders.items VALUES ('order-2', 1, 1, 'WBILMTESTTRACK', 453, 'ab4219087a764ae0btest', 'Item 1', 30, '0', 317, 2389212, 'Vivienne Sabo', 202);

INSERT INTO orders.orders VALUES ('order-1', 'WBILMTESTTRACK', 'WBIL', 'en', '', 'test', 'meest', '9', 99, '2021-11-26 06:22:19+00', '1', '\x03c585ff7df65858c0364ce210dcaf66', '6f9619ff-8b86-d011-b42d-00cf4fc964ff', 0, 1, '2026-11-26 07:51:00.337605+00');
INSERT INTO orders.orders VALUES ('order-3', 'WBILMTESTTRACK', 'WBIL', 'en', '', 'test', 'meest', '9', 99, '2021-11-26 06:22:19+00', '1', '\xd76c23c44b11ce1c0828b90835706f7f', '6f9619ff-8b86-d011-b42d-00cf4fc964ff', 0, 3, '2026-11-26 07:51:00.337605+00');
INSERT INTO orders.orders VALUES ('order-2', 'WBILMTESTTRACK', 'WBIL', 'ru', '', 'test', 'meest', '9', 99, '2021-11-26 06:22:19+00', '1', '\x775fcac061d93dcf54e8507ec827871b', '6f9619ff-8b86-d011-b42d-00cf4fc964ff', 0, 7, '2026-11-26 07:51:00.34219+00');

INSERT INTO orders.payments VALUES ('order-1', 'b563feb7b2b84b6test', '', 'USD', 'wbpay', 1817, 1637907727, 'alpha', 1500, 317, 0);
INSERT INTO orders.payments VALUES ('order-3', 'b563feb7b2b84b6test', '', 'USD', 'wbpay', 1817, 1637907727, 'alpha', 1500, 317, 0);
INSERT INTO orders.payments VALUES ('order-2', 'b563feb7b2b84b6test', '', 'USD', 'wbpay', 1817, 1637907727, 'alpha', 1500, 317, 0);

INSERT INTO public._yoyo_log VALUES ('1f16ee5e-e96e-11f1-8f80-02fc00000001', '7785e08e13c1672cd0024dd897ebddbaeeb3ee812ce0bcbef1847614633e11b4', '0001-create-orders', 'apply', 'operator', 'host', NULL, '2026-11-26 07:51:00.249682');
INSERT INTO public._yoyo_log VALUES ('1f1a5422-e96e-11f1-8f80-02fc00000001', 'b7b3cd4a820e3cc8b85ff008095a15fefa2118b32355da20311b3b7d271b6908', '0002-create-service-role', 'apply', 'operator', 'host', NULL, '2026-11-26 07:51:00.269106');
INSERT INTO public._yoyo_log VALUES ('1f1d5c80-e96e-11f1-8f80-02fc00000001', 'c9ac0e56774040f0e76d87b757b7f11721b52ee2b40cb25a68c3786525889ca0', '0001-create-api-keys', 'apply', 'operator', 'host', NULL, '2026-11-26 07:51:00.288977');
INSERT INTO public._yoyo_log VALUES ('1f1f74ac-e96e-11f1-8f80-02fc00000001', '40c1c844d3f6159e5d3b5fdabf88c2ed77ca97b8976ed18b5604194614f244d4', '0002-let-the-service-read-keys', 'apply', 'operator', 'host', NULL, '2026-11-26 07:51:00.302713');

INSERT INTO public._yoyo_migration VALUES ('7785e08e13c1672cd0024dd897ebddbaeeb3ee812ce0bcbef1847614633e11b4', '0001-create-orders', '2026-11-26 07:51:00.251126');
INSERT INTO public._yoyo_migration VALUES ('b7b3cd4a820e3cc8b85ff008095a15fefa2118b32355da20311b3b7d271b6908', '0002-create-service-role', '2026-11-26 07:51:00.271036');
INSERT INTO public._yoyo_migration VALUES ('c9ac0e56774040f0e76d87b757b7f11721b52ee2b40cb25a68c3786525889ca0', '0001-create-api-keys', '2026-11-26 07:51:00.289585');
INSERT INTO public._yoyo_migration VALUES ('40c1c844d3f6159e5d3b5fdabf88c2ed77ca97b8976ed18b5604194614f244d4', '0002-let-the-service-read-keys', '2026-11-26 07:51:00.30337');

INSERT INTO public._yoyo_version VALUES (2, '2026-11-26 07:51:00.206627');

ALTER TABLE ONLY access.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (digest);

ALTER TABLE ONLY orders.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (order_uid);

ALTER TABLE ONLY orders.items
    ADD CONSTRAINT items_pkey PRIMARY KEY (order_uid, "position");

ALTER TABLE ONLY orders.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (order_uid);

ALTER TABLE ONLY orders.payments
    ADD CONSTRAINT payments_pkey PRIMARY KEY (order_uid);

ALTER TABLE ONLY public._yoyo_log
    ADD CONSTRAINT _yoyo_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public._yoyo_migration
    ADD CONSTRAINT _yoyo_migration_pkey PRIMARY KEY (migration_hash);

ALTER TABLE ONLY public._yoyo_version
    ADD CONSTRAINT _yoyo_version_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.yoyo_lock
    ADD CONSTRAINT yoyo_lock_pkey PRIMARY KEY (locked);

CREATE UNIQUE INDEX api_keys_valid_name ON access.api_keys USING btree (name) WHERE (revoked_at IS NULL);

CREATE INDEX orders_newest ON orders.orders USING btree (date_created DESC, order_uid DESC);

CREATE INDEX orders_newest_of_customer ON orders.orders USING btree (customer_id, date_created DESC, order_uid DESC);

CREATE INDEX orders_newest_of_track_number ON orders.orders USING btree (track_number, date_created DESC, order_uid DESC);

ALTER TABLE ONLY orders.deliveries
    ADD CONSTRAINT deliveries_order_uid_fkey FOREIGN KEY (order_uid) REFERENCES orders.orders(order_uid) ON DELETE CASCADE;

ALTER TABLE ONLY orders.items
    ADD CONSTRAINT items_order_uid_fkey FOREIGN KEY (order_uid) REFERENCES orders.orders(order_uid) ON DELETE CASCADE;

ALTER TABLE ONLY orders.payments
    ADD CONSTRAINT payments_order_uid_fkey FOREIGN KEY (order_uid) REFERENCES orders.orders(order_uid) ON DELETE CASCADE;

GRANT USAGE ON SCHEMA access TO service_of_the_dump;

GRANT USAGE ON SCHEMA orders TO service_of_the_dump;

GRANT SELECT ON TABLE access.api_keys TO service_of_the_dump;

GRANT SELECT,INSERT,UPDATE ON TABLE orders.deliveries TO service_of_the_dump;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE orders.items TO service_of_the_dump;

GRANT SELECT,INSERT,UPDATE ON TABLE orders.orders TO service_of_the_dump;

GRANT SELECT,INSERT,UPDATE ON TABLE orders.payments TO service_of_the_dump;
