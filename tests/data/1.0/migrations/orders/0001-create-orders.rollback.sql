DROP TABLE IF EXISTS orders.items;
DROP TABLE IF EXISTS orders.payments;
DROP TABLE IF EXISTS orders.deliveries;
DROP TABLE IF EXISTS orders.orders;
DROP SCHEMA IF EXISTS orders;
