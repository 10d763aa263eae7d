"""The API of the accrual context."""

from .part import create_part

__all__ = ["create_part"]
