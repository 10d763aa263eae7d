"""What all tests share: the fixtures that start real servers, and the adapters on them."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.kafka_sockets import name_them

name_them()

pytest_plugins = ["tests.servers", "tests.backends", "tests.collector", "tests.distribution"]

# The machine's load is no property of the code: only the number of examples bounds a test.
settings.register_profile("loaded machine", deadline=None, print_blob=True)
settings.load_profile("loaded machine")


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Take back what a test does to the environment: commands leave the place of their file."""
    before = dict(os.environ)
    yield
    if os.environ != before:
        os.environ.clear()
        os.environ.update(before)
