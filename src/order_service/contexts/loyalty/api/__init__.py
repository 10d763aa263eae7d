"""The API of the loyalty context."""
