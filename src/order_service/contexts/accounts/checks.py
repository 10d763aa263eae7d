"""What `doctor` asks about the keys of tokens."""

from collections.abc import Iterator
from typing import Any

import psycopg

from order_service.config import Config
from order_service.infra.diagnosis.finding import Finding, ok, warning

from .settings import AccountsSettings

# The first byte tells whether a key is sealed; see `tokens.sealing`.
_SIGNING = """
    SELECT
        (SELECT count(*) FROM accounts.signing_keys WHERE state = 'current'),
        (SELECT count(*) FROM accounts.signing_keys WHERE get_byte(sealed, 0) = 0)
        + (SELECT count(*) FROM accounts.refresh_keys WHERE get_byte(sealed, 0) = 0)
"""


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
    elif not row[1]:
        yield ok("token keys", "they lie in the database encrypted")
    elif settings.key_secret.reveal():
        text = f"{row[1]} of them still lie in the database open, from before there was a secret"
        hint = "rotate until they are gone: `accounts rotate-keys`, and with --refresh"
        yield warning("token keys", text, hint)
    else:
        text = "they lie in the database open: whoever reads it can sign in as anybody"
        yield warning("token keys", text, "set ACCOUNTS_KEY_SECRET, then `accounts rotate-keys`")
