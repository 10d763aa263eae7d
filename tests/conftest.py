"""What all tests share: the fixtures that start real servers, and the adapters on them."""

from hypothesis import settings

pytest_plugins = ["tests.servers", "tests.backends"]

# The machine's load is no property of the code: only the number of examples bounds a test.
settings.register_profile("loaded machine", deadline=None, print_blob=True)
settings.load_profile("loaded machine")
