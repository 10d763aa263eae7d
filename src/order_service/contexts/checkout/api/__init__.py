"""The API of the checkout context."""
