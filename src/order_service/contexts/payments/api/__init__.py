"""The API of the payments context."""

from .part import create_part

__all__ = ["create_part"]
