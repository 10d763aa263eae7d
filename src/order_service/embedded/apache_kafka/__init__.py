"""A real Apache Kafka (KRaft) on Java, for tests of correctness and of faults."""

from order_service.embedded.apache_kafka.broker import KafkaBroker, Security
from order_service.embedded.apache_kafka.cluster import ApacheKafka
from order_service.embedded.apache_kafka.jars import available, kafka_version

__all__ = ["ApacheKafka", "KafkaBroker", "Security", "available", "kafka_version"]
