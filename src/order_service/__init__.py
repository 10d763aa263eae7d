"""The Order Service: orders from Kafka into Postgres, answered from a Redis cache."""
