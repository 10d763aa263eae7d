"""A list of brokers: it is enough that one of them is there."""

from contextlib import closing

from order_service.context.brokers import kafka_connection
from order_service.embedded.server import KafkaServer
from order_service.infra.kafka import clients as kafka_clients
from tests.backends import NewTopic, config_of, records_of, send


def test_a_broker_of_the_list_that_is_away_is_passed_over(
    kafka_server: KafkaServer, new_topic: NewTopic
) -> None:
    servers = f"127.0.0.1:1,{kafka_server.bootstrap_servers},127.0.0.1:2"
    environ = kafka_server.environment() | {"KAFKA_BOOTSTRAP_SERVERS": servers}
    connection, topic = kafka_connection(config_of(environ).kafka), new_topic()
    with closing(kafka_clients.open_producer(connection, 1024)) as producer:
        send(producer, topic, b"order")
    assert [record.value for record in records_of(connection, topic)] == [b"order"]
