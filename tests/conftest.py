"""What all tests share: the fixtures that start real servers."""

pytest_plugins = ["tests.servers"]
