"""Sign-in: logins against the bare hash, unknown logins against wrong passwords, renewals."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from statistics import median

from argon2 import Type, low_level

from benchmarks import command
from benchmarks.accounts_bench import CORES, HERE, PASSWORD, accounts, register
from benchmarks.harness import Goal, Row, Scale, alternate, at_least
from order_service.contexts.accounts.errors import WrongCredentialsError
from order_service.contexts.accounts.hashing import give_way
from order_service.contexts.accounts.wiring.parts import AccountsParts

_RENEWALS = Goal(1000.0, at_least=True, unit="renewals/s")
_ATTEMPTS = 30
_RENEWING = 8


def rate(
    work: Callable[[int], object],
    seconds: float,
    threads: int,
    begin: Callable[[], object] = lambda: None,
) -> float:
    """Return how often a second `work` is done by so many threads, each given its number."""
    counts, stop = [0] * threads, time.perf_counter() + seconds

    def repeat(number: int) -> None:
        begin()
        while time.perf_counter() < stop:
            work(number)
            counts[number] += 1

    began = time.perf_counter()
    running = [threading.Thread(target=repeat, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def _logins(parts: AccountsParts, scale: Scale) -> Row:
    people = CORES + parts.settings.password.queue
    for number in range(people):
        register(parts, f"person-{number}")
    known = parts.people.credentials("person-0")
    assert known  # noqa: S101 - registered above
    hashed, password = known.password_hash.encode(), PASSWORD.encode()
    ours, theirs = alternate(
        # As many as are let in at once: somebody always waits for a turn.
        lambda: rate(
            lambda number: parts.signing_in.login(f"person-{number}", PASSWORD, HERE),
            scale.seconds,
            people,
        ),
        lambda: rate(
            lambda _: low_level.verify_secret(hashed, password, Type.ID),
            scale.seconds,
            CORES,
            begin=give_way,
        ),
        scale.pairs,
    )
    return Row(
        "Logins",
        "the same Argon2id alone, a thread a core",
        at_least(0.9),
        ours,
        theirs,
        "a second",
        f"Argon2id 19 MiB, t=2, p=1 on {CORES} cores; ours with throttle, session, audit entry and "
        f"token, Postgres on the same cores, {people} people at once. Both hash in threads that "
        "give way to others, as the service does.",
    )


def _durations(parts: AccountsParts, turn: int) -> tuple[float, float]:
    """Return the median seconds of a wrong password and of an unknown login, taken in turns.

    Each turn has an address and logins of its own, or it would be held back for its failures.
    """
    here = HERE._replace(address=f"192.0.2.{turn + 2}")
    taken: dict[str, list[float]] = {f"person-{turn % (CORES + 1)}": [], f"nobody-{turn}": []}
    for _ in range(_ATTEMPTS):
        for login, seconds in taken.items():
            began = time.perf_counter()
            with suppress(WrongCredentialsError):
                parts.signing_in.login(login, "another password", here)
            seconds.append(time.perf_counter() - began)
    wrong, unknown = (median(seconds) for seconds in taken.values())
    return wrong, unknown


def _unknown(parts: AccountsParts, scale: Scale) -> Row:
    pairs = [_durations(parts, turn) for turn in range(scale.pairs)]
    return Row(
        "A login that nobody has",
        "a wrong password",
        None,
        [unknown * 1e3 for _, unknown in pairs],
        [wrong * 1e3 for wrong, _ in pairs],
        "ms",
        f"Medians of {_ATTEMPTS} attempts each, in turns; the ratio should be 1.",
    )


def _renewals(parts: AccountsParts, scale: Scale) -> Row:
    tokens = [register(parts, f"renewing-{number}") for number in range(_RENEWING)]

    def renew(number: int) -> None:
        tokens[number] = parts.sessions.renew(tokens[number], HERE).refresh_token

    rates = [rate(renew, scale.seconds, _RENEWING) for _ in range(scale.pairs + 1)]
    return Row(
        "Renewals of a session",
        "",
        _RENEWALS,
        rates[1:],
        [],
        "renewals/s",
        f"{_RENEWING} people at once, as many as the API has threads, each with the token of the "
        "renewal before: one statement, one signature.",
    )


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    with accounts() as parts:
        return [_logins(parts, scale), _unknown(parts, scale), _renewals(parts, scale)]


if __name__ == "__main__":
    command.main(run, __doc__)
