"""`order-service keys`: which programs may ask, and what for."""

import contextlib
import json
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import click

from order_service.context import Contexts
from order_service.context.commands import Group, pass_contexts, reporting

from .errors import AccessError, KeyExistsError, NoSuchKeyError
from .model import KeyRecord

if TYPE_CHECKING:
    from .issuing import KeyIssuing


class ScopeType(click.ParamType[str]):
    """The name of a scope that some context, or the machinery, defines."""

    name = "scope"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the scope, or end with those that there are."""
        contexts = ctx.find_object(Contexts) if ctx else None
        known = sorted(contexts.scopes) if contexts else []
        if value not in known:
            self.fail(f"{value!r} is none of {', '.join(known)}", param, ctx)
        return str(value)


@click.group(
    cls=Group,
    examples=[
        ("keys create shop-frontend --scope orders:read", "prints the key, this once"),
        ("keys create prometheus --scope metrics:read", "for a scraper"),
        ("keys list", "all keys, revoked ones too"),
        ("keys revoke shop-frontend", "end it for good"),
    ],
)
def keys() -> None:
    """Make, list and revoke the keys of those who may read.

    They count where http.auth is api_key. A client sends its key with each request, as the
    header "Authorization: Bearer KEY". All three commands log in as postgres.admin_user: the
    service's own role may read the keys, and nothing more.
    """


@contextlib.contextmanager
def _issuing(contexts: Contexts) -> "Iterator[KeyIssuing]":
    """Give the keys, as the role that migrates, for the length of the block."""
    from order_service.context.process import Process  # noqa: PLC0415 - slow

    from .wiring import key_issuing  # noqa: PLC0415

    with Process(contexts.configured("postgres")) as process:
        yield key_issuing(process)


_reports_faults = reporting(
    {
        KeyExistsError: "there is a key {} already: revoke it first, or choose another name",
        NoSuchKeyError: "there is no key {} that is not revoked",
        AccessError: "{}",
        ValueError: "{}",
    }
)


@keys.command(
    examples=[
        ("keys create shop-frontend --scope orders:read", "may read orders"),
        ("keys create ops --scope orders:read --scope metrics:read", "may read both"),
        ("keys create prometheus --scope metrics:read > key", "the key alone goes to the file"),
    ]
)
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=ScopeType(),
    help="What the key admits; give it again for more.",
)
@pass_contexts
@_reports_faults
def create(contexts: Contexts, name: str, scopes: Collection[str]) -> None:
    """Make a key for NAME and print it: it is shown this once.

    The key alone goes to standard output, so that a script can store it.
    """
    with _issuing(contexts) as issuing:
        key = issuing.create(name, scopes)
    click.echo(key)
    click.echo("Keep it now: only its hash is stored, nobody can show it again.", err=True)


@keys.command(
    "list",
    examples=[
        ("keys list", "one line a key"),
        ("keys list --json", "one JSON array, for programs"),
    ],
)
@click.option("--json", "as_json", is_flag=True, help="One JSON array, for programs.")
@pass_contexts
@_reports_faults
def list_keys(contexts: Contexts, *, as_json: bool) -> None:
    """Show all keys.

    Revoked ones too, in the order of their making; never a key itself, which nobody can show.
    """
    with _issuing(contexts) as issuing:
        records = issuing.records()
    if as_json:
        click.echo(json.dumps([_as_json(record) for record in records], indent=2))
    else:
        click.echo("\n".join(map(_as_line, records)) or "no keys")


@keys.command(examples=[("keys revoke shop-frontend", "its name is free again")])
@click.argument("name")
@pass_contexts
@_reports_faults
def revoke(contexts: Contexts, name: str) -> None:
    """End the key of NAME for good; its name is free again.

    The API refuses it within a second or two.
    """
    with _issuing(contexts) as issuing:
        issuing.revoke(name)
    click.echo(f"revoked {name}")


def _as_json(record: KeyRecord) -> dict[str, object]:
    return {
        "name": record.name,
        "scopes": sorted(record.scopes),
        "created_at": record.created_at.isoformat(),
        "revoked_at": record.revoked_at.isoformat() if record.revoked_at else None,
    }


def _as_line(record: KeyRecord) -> str:
    scopes = " ".join(sorted(record.scopes))
    ended = f"  revoked {record.revoked_at:%Y-%m-%d %H:%M}" if record.revoked_at else ""
    return f"{record.name:24} {scopes:26} made {record.created_at:%Y-%m-%d %H:%M}{ended}"
