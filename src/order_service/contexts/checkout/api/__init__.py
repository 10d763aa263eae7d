"""The API of the checkout context."""

from .part import create_part

__all__ = ["create_part"]
