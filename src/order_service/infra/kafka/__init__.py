"""Kafka: clients, the consumer loop and what it stands on, acknowledged publishing."""
