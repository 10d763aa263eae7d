"""What the Kafka clients say in the log."""

import logging

import pytest
from kafka.errors import Cancelled, KafkaConnectionError

import order_service.infra.kafka.clients  # noqa: F401 - it puts the filter on the library's log

# As the library's cluster.py logs it; a client that is closed cancels what it was asking.
MESSAGE = "Metadata refresh: failed %s"


@pytest.mark.parametrize(("error", "told"), [(Cancelled(), 0), (KafkaConnectionError("gone"), 1)])
def test_only_what_is_a_fault_is_logged_of_metadata(
    caplog: pytest.LogCaptureFixture, error: Exception, told: int
) -> None:
    with caplog.at_level(logging.ERROR, "kafka.cluster"):
        logging.getLogger("kafka.cluster").error(MESSAGE, error)
    assert len(caplog.records) == told
