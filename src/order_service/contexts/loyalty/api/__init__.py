"""The API of the loyalty context."""

from .part import create_part

__all__ = ["create_part"]
