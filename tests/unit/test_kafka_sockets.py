"""A socket that kafka-python forgets is told from one that we forget."""

import gc
import socket

import pytest
from kafka.net.inet import KafkaNetSocket

from tests.kafka_sockets import KafkaSocket


def test_sockets_of_the_library_have_a_name_of_their_own() -> None:
    made = KafkaNetSocket().socket(socket.AF_INET, socket.SOCK_STREAM)
    assert isinstance(made, KafkaSocket)
    assert repr(made).startswith("<tests.kafka_sockets.KafkaSocket fd=")
    made.close()


def test_they_alone_are_excused() -> None:
    KafkaNetSocket().socket(socket.AF_INET, socket.SOCK_STREAM)
    gc.collect()  # a warning would be an error
    ours = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with pytest.warns(ResourceWarning, match=r"unclosed <socket\.socket"):
        del ours
