"""What `doctor` asks about the keys of tokens."""

from collections.abc import Iterator
from typing import Any

import psycopg

from order_service.config import Config
from order_service.infra.diagnosis.finding import Finding, ok, warning

from .settings import AccountsSettings

_SIGNING = "SELECT count(*) FROM accounts.signing_keys WHERE state = 'current'"


def look_at_signing_keys(config: Config, connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    """Yield whether there is a key that signs, and whether the keys lie open in the database."""
    settings = config.of(AccountsSettings)
    if settings.token.algorithm != "ES256":
        yield ok("token keys", "tokens are signed with the shared secret")
        return
    try:
        row = connection.execute(_SIGNING).fetchone()
    except psycopg.Error:
        return  # the missing right or table has been told
    if not row or not row[0]:
        yield ok("token keys", "there is none yet: the first API process makes it")
    elif settings.key_secret.reveal():
        yield ok("token keys", "they lie in the database encrypted")
    else:
        text = "they lie in the database open: whoever reads it can sign in as anybody"
        yield warning("token keys", text, "set ACCOUNTS_KEY_SECRET, then `accounts rotate-keys`")
