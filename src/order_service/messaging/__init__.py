"""What contexts that speak over Kafka share; it knows none of them."""
