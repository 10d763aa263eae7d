"""Argon2id, bounded: as many hashes at once as there are cores for them, and a short queue.

A hash takes 19 MiB and some 20 ms of a core (RFC 9106; the parameters are those of OWASP's Password
Storage Cheat Sheet). Without a bound, a burst of logins would take the memory and the cores of
everything else in the process.
"""

import contextvars
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import NamedTuple, Protocol, TypeVar

from argon2 import Parameters, Type, extract_parameters, low_level
from argon2.exceptions import InvalidHashError, VerificationError

from .errors import HashingBusyError

T = TypeVar("T")

_SALT_BYTES = 16
_NICENESS = 10
_LONGEST_WAIT = 5.0

PARAMETERS = Parameters(
    type=Type.ID,
    version=19,
    salt_len=_SALT_BYTES,
    hash_len=32,
    time_cost=2,
    memory_cost=19 * 1024,
    parallelism=1,
)


class HashingObserver(Protocol):
    """Told of the hashing, for metrics."""

    def hashing(self, count: int) -> None:
        """`count` logins and registrations now hash or wait for it."""

    def hashing_refused(self) -> None:
        """One was refused, because too many wait."""


def no_password(parameters: Parameters = PARAMETERS) -> str:
    """Return a hash that no password has; to check one against it takes as long as any other."""
    salt, digest = "A" * 22, "A" * 43  # base64 of 16 and 32 bytes of zero
    costs = f"m={parameters.memory_cost},t={parameters.time_cost},p={parameters.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${digest}"


class Hasher(NamedTuple):
    """Hashes in the thread that calls it. Get one from :meth:`HashingPlace.run`.

    Attributes:
        parameters: What new hashes cost.
    """

    parameters: Parameters = PARAMETERS

    def hash(self, password: bytes) -> str:
        """Return the hash of a password in PHC format. Blocks for its 20 ms."""
        chosen = self.parameters
        hashed = low_level.hash_secret(
            password,
            secrets.token_bytes(chosen.salt_len),
            chosen.time_cost,
            chosen.memory_cost,
            chosen.parallelism,
            chosen.hash_len,
            chosen.type,
        )
        return hashed.decode("ascii")

    def verify(self, hashed: str, password: bytes) -> bool:
        """Return whether `hashed` is the hash of `password`. Blocks for its 20 ms."""
        try:
            return low_level.verify_secret(hashed.encode("ascii"), password, Type.ID)
        except VerificationError:
            return False

    def is_outdated(self, hashed: str) -> bool:
        """Return whether a hash was made with other parameters than today's."""
        with suppress(InvalidHashError):
            return extract_parameters(hashed) != self.parameters
        return True


class HashingPlace:
    """A place near the head of the queue: time to find out what is to be hashed, and whether."""

    def __init__(self, hashing: "PasswordHashing") -> None:
        self._hashing = hashing

    def run(self, work: Callable[[Hasher], T]) -> T:
        """Have `work` hash as soon as a thread is free for it; return what it returns.

        The thread turns to the next one when `work` has ended, so what that one must find done is
        done in `work`.

        Raises:
            HashingBusyError: The others did not come to an end for seconds.
        """
        return self._hashing.run(work)


class PasswordHashing:
    """Hands out places, and has threads that hash. Thread-safe; make it after any fork.

    Args:
        observer: Told how many hash or wait.
        slots: Hashes at once: one for each core that this process may use.
        queue: More that may wait for a slot.
        parameters: What new hashes cost.
        spare: Returns how many hashes at once leave the others their cores, one at least.
    """

    def __init__(
        self,
        observer: HashingObserver,
        slots: int,
        queue: int,
        parameters: Parameters = PARAMETERS,
        spare: Callable[[], int] | None = None,
    ) -> None:
        self._observer = observer
        # One more than can hash: who is next is prepared while the others hash.
        self._places = threading.Semaphore(slots + 1)
        self._most = slots + queue
        self._admitted = 0
        self._lock = threading.Lock()
        self._hasher = Hasher(parameters)
        self._spare = spare or (lambda: slots)
        self._hashing = 0
        self._ended = threading.Condition()
        self._pool = ThreadPoolExecutor(slots, "hashing", initializer=give_way)
        self.no_password = no_password(parameters)

    def close(self) -> None:
        """Let running hashes end; later ones fail."""
        self._pool.shutdown(cancel_futures=True)

    @contextmanager
    def place(self) -> Iterator[HashingPlace]:
        """Wait until no more than one is to hash before, and keep that place for the block.

        Raises:
            HashingBusyError: The queue is full, or did not move for seconds.
        """
        self._count(1)
        try:
            if not self._places.acquire(timeout=_LONGEST_WAIT):
                raise self._busy()
            try:
                yield HashingPlace(self)
            finally:
                self._places.release()
        finally:
            self._count(-1)

    def hash(self, password: bytes) -> str:
        """Wait for a place and a thread, and return the hash of a password in PHC format.

        Raises:
            HashingBusyError: The queue is full, or did not move for seconds.
        """
        with self.place() as place:
            return place.run(lambda hasher: hasher.hash(password))

    def run(self, work: Callable[[Hasher], T]) -> T:
        """Hash in a thread that is free; for who has a place."""
        # What is logged and traced there belongs to the request.
        context = contextvars.copy_context()
        future = self._pool.submit(context.run, self._in_turn, work)
        wait([future], timeout=_LONGEST_WAIT)
        if future.cancel():
            raise self._busy()
        return future.result()

    def _in_turn(self, work: Callable[[Hasher], T]) -> T:
        with self._ended:
            # One at least may, so the wait is one for hashes to end.
            self._ended.wait_for(lambda: self._hashing < self._spare())
            self._hashing += 1
        try:
            return work(self._hasher)
        finally:
            with self._ended:
                self._hashing -= 1
                self._ended.notify()

    def _count(self, change: int) -> None:
        with self._lock:
            if self._admitted + change > self._most:
                raise self._busy()
            self._admitted += change
            self._observer.hashing(self._admitted)

    def _busy(self) -> HashingBusyError:
        self._observer.hashing_refused()
        return HashingBusyError("too many sign in at this moment", 1.0)


def give_way(
    priority_of: Callable[[int, int], int] = os.getpriority,
    set_priority: Callable[[int, int, int], None] = os.setpriority,
) -> None:
    """Let this thread's work give way to requests that take microseconds.

    On Linux a niceness belongs to a thread. Elsewhere it is the process's, and stays as it is.
    """
    if os.uname().sysname == "Linux":
        thread = threading.get_native_id()
        with suppress(OSError):
            lower = min(19, priority_of(os.PRIO_PROCESS, thread) + _NICENESS)
            set_priority(os.PRIO_PROCESS, thread, lower)
