"""`order-service accounts`: what operators do with people and with the keys of their tokens."""

import contextlib
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

from order_service.context import Contexts
from order_service.context.commands import Group, pass_contexts, reporting

from .errors import (
    AccountsError,
    LoginTakenError,
    NoSuchPersonError,
    RotationTooEarlyError,
)

if TYPE_CHECKING:
    from .wiring.operators import OperatorParts


@click.group(
    cls=Group,
    examples=[
        ("accounts create ann@example.com", "asks for the password"),
        ("accounts make-admin ann@example.com", "may administer the shop from now on"),
        ("accounts disable 01931b7c-0f6e-7c3a-9a55-0d8f3c1b2a49", "by id"),
        ("accounts rotate-keys", "tokens are signed with the next key"),
    ],
)
def accounts() -> None:
    """Make, change and erase accounts; rotate the keys of tokens.

    A person is named by login or by id. All commands log in as postgres.admin_user: the service's
    own role can make nobody an admin and erase nobody.
    """


@contextlib.contextmanager
def _operator(contexts: Contexts) -> "Iterator[OperatorParts]":
    """Give what operators use, as the role that migrates, for the length of the block."""
    from order_service.context.process import Process  # noqa: PLC0415 - slow

    from .wiring.operators import operator_parts  # noqa: PLC0415

    with Process(contexts.configured("postgres"), scopes=contexts.scopes) as process:
        yield operator_parts(process)


_reports_faults = reporting(
    {
        LoginTakenError: "there is somebody with the login {}",
        NoSuchPersonError: "there is nobody with the login or id {}",
        RotationTooEarlyError: "{}; --now does it all the same",
        AccountsError: "{}",
    }
)


def _password() -> str:
    """Return the password: asked for at a terminal, the first line of a pipe otherwise."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


@accounts.command(
    examples=[
        ("accounts create ann@example.com --name Ann", "asks for the password"),
        ("accounts create root --admin", "in a pipe: the first line is the password"),
    ]
)
@click.argument("login")
@click.option("--email", help="E-mail address.")
@click.option("--name", help="Name.")
@click.option("--birthday", type=click.DateTime(["%Y-%m-%d"]), help="Date of birth.")
@click.option("--admin", is_flag=True, help="May administer the shop.")
@pass_contexts
@_reports_faults
def create(  # noqa: PLR0913 - one argument an option
    contexts: Contexts,
    *,
    login: str,
    email: str | None,
    name: str | None,
    birthday: datetime | None,
    admin: bool,
) -> None:
    """Register LOGIN and print the id of the person.

    The password is asked for, or read from standard input: as an argument, others could see it.
    """
    from .model import Profile  # noqa: PLC0415 - slow
    from .signing_in import Registration  # noqa: PLC0415

    profile = Profile(email, name, birthday.date() if birthday else None)
    with _operator(contexts) as operator:
        registration = Registration(login, _password(), profile)
        person_id = operator.administration.create(registration, operator.policy)
        if admin:
            operator.administration.set_admin(str(person_id), admin=True)
    click.echo(person_id)


@accounts.command(
    "make-admin",
    examples=[
        ("accounts make-admin ann@example.com", "the next sign-in has the rights"),
        ("accounts make-admin ann@example.com --revoke", "and takes them back, at once"),
    ],
)
@click.argument("who")
@click.option("--revoke", is_flag=True, help="Take the rights away.")
@pass_contexts
@_reports_faults
def make_admin(contexts: Contexts, who: str, *, revoke: bool) -> None:
    """Let WHO administer the shop.

    Open sessions end, because their tokens say otherwise.
    """
    with _operator(contexts) as operator:
        operator.administration.set_admin(who, admin=not revoke)
    click.echo(f"{who} is {'no admin' if revoke else 'an admin'}")


@accounts.command(examples=[("accounts disable ann@example.com", "until `accounts unlock`")])
@click.argument("who")
@pass_contexts
@_reports_faults
def disable(contexts: Contexts, who: str) -> None:
    """Close the account of WHO and end all sessions.

    The API refuses their tokens within two seconds.
    """
    with _operator(contexts) as operator:
        operator.administration.disable(who)
    click.echo(f"disabled {who}")


@accounts.command(examples=[("accounts unlock ann@example.com", "may sign in at once")])
@click.argument("who")
@pass_contexts
@_reports_faults
def unlock(contexts: Contexts, who: str) -> None:
    """Open the account of WHO, and forget failed attempts to sign in.

    An address that has to wait goes on waiting: see `accounts unlock-address`.
    """
    with _operator(contexts) as operator:
        operator.administration.unlock(who)
    click.echo(f"unlocked {who}")


@accounts.command(
    "unlock-address",
    examples=[
        ("accounts unlock-address 203.0.113.7", "people behind it may sign in at once"),
        ("accounts unlock-address 2001:db8::1", "and all of its network of 64 bits"),
    ],
)
@click.argument("address")
@pass_contexts
@_reports_faults
def unlock_address(contexts: Contexts, address: str) -> None:
    """Forget failed attempts to sign in that came from ADDRESS.

    Logins that have to wait go on waiting: see `accounts unlock`.
    """
    from order_service.http.rate_limit import told_apart_by  # noqa: PLC0415 - slow

    told = told_apart_by(address)
    if told is None:
        raise click.UsageError(f"{address} is no IP address")
    with _operator(contexts) as operator:
        found = operator.administration.unlock_address(told)
    click.echo(f"unlocked {told}" if found else f"{told} did not have to wait")


@accounts.command(
    "rotate-keys",
    examples=[
        ("accounts rotate-keys", "once a month, say"),
        ("accounts rotate-keys --now --drop-current", "the key that signs has leaked"),
        ("accounts rotate-keys --refresh", "the key of refresh tokens"),
    ],
)
@click.option("--now", "at_once", is_flag=True, help="Even if not all know the next key yet.")
@click.option("--drop-current", is_flag=True, help="Tokens of the current key end at once.")
@click.option("--refresh", is_flag=True, help="Change the key of refresh tokens instead.")
@pass_contexts
@_reports_faults
def rotate_keys(contexts: Contexts, *, at_once: bool, drop_current: bool, refresh: bool) -> None:
    """Sign access tokens with the next key.

    The one after it is published. The key that signed until now is shown until its tokens have
    expired; nobody has to sign in again. All processes know of it within two seconds.
    """
    with _operator(contexts) as operator:
        if refresh:
            number = operator.rotation.rotate_refresh_key()
            click.echo(f"refresh tokens are sealed with key {number} in a minute")
            return
        kid = operator.rotation.rotate(at_once=at_once, drop_current=drop_current)
    click.echo(f"tokens are signed with {kid}")


@accounts.command(examples=[("accounts export ann@example.com > ann.json", "for the person")])
@click.argument("who")
@pass_contexts
@_reports_faults
def export(contexts: Contexts, who: str) -> None:
    """Print all that is kept of WHO, as JSON.

    The account, its sessions and its sign-ins; no hash of a password or a token.
    """
    with _operator(contexts) as operator:
        found = operator.administration.export(who)
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


@accounts.command(
    examples=[
        ("accounts erase ann@example.com", "asks first"),
        ("accounts erase ann@example.com --yes", "for scripts"),
    ]
)
@click.argument("who")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_contexts
@_reports_faults
def erase(contexts: Contexts, who: str, *, yes: bool) -> None:
    """Remove all that tells who WHO is, for good.

    The id stays, so that orders, payments and points that name it are whole; the login is free.
    """
    if not yes:
        click.confirm(f"Erase {who} for good?", abort=True)
    with _operator(contexts) as operator:
        person_id = operator.administration.erase(who)
    click.echo(f"erased {person_id}")
