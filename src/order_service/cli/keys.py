"""`order-service keys`: who may read orders and metrics."""

import functools
import json
from collections.abc import Callable, Collection
from typing import Any

import click

from order_service.contexts.access.errors import AccessError, KeyExistsError, NoSuchKeyError
from order_service.contexts.access.model import KeyRecord, Scope

from .command import Group
from .settings import configured


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


def _reports_faults(command: Callable[..., None]) -> Callable[..., None]:
    """Say in one line what was in the way; exit code 1."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - click's arguments
        try:
            command(*args, **kwargs)
        except KeyExistsError as error:
            message = f"there is a key {error} already: revoke it first, or choose another name"
            raise click.ClickException(message) from error
        except NoSuchKeyError as error:
            message = f"there is no key {error} that is not revoked"
            raise click.ClickException(message) from error
        except (AccessError, ValueError) as error:
            raise click.ClickException(str(error)) from error

    return wrapped


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
    type=click.Choice([scope.value for scope in Scope]),
    help="What the key admits; give it again for more.",
)
@_reports_faults
def create(name: str, scopes: Collection[str]) -> None:
    """Make a key for NAME and print it: it is shown this once.

    The key alone goes to standard output, so that a script can store it.
    """
    from order_service.bootstrap.keys import key_office  # noqa: PLC0415

    with key_office(configured("postgres")) as office:
        key = office.create(name, {Scope(scope) for scope in scopes})
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
@_reports_faults
def list_keys(*, as_json: bool) -> None:
    """Show all keys.

    Revoked ones too, in the order of their making; never a key itself, which nobody can show.
    """
    from order_service.bootstrap.keys import key_office  # noqa: PLC0415

    with key_office(configured("postgres")) as office:
        records = office.records()
    if as_json:
        click.echo(json.dumps([_as_json(record) for record in records], indent=2))
    else:
        click.echo("\n".join(map(_as_line, records)) or "no keys")


@keys.command(examples=[("keys revoke shop-frontend", "its name is free again")])
@click.argument("name")
@_reports_faults
def revoke(name: str) -> None:
    """End the key of NAME for good; its name is free again.

    The API refuses it within http.auth_refresh seconds.
    """
    from order_service.bootstrap.keys import key_office  # noqa: PLC0415

    with key_office(configured("postgres")) as office:
        office.revoke(name)
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
