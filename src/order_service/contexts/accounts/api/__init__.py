"""The HTTP faces of the accounts: `/auth/*`, `/api/user/register|login`, the published keys."""

from .part import create_part

__all__ = ["create_part"]
