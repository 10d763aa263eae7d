"""The HTTP face of the orders context: routes, their schemas and the form of an answer."""

from .part import create_part

__all__ = ["create_part"]
