"""Argon2id, bounded: as many hashes at once as there are cores for them, and a short queue.

A hash takes 19 MiB and some 20 ms of a core (RFC 9106; the parameters are those of OWASP's Password
Storage Cheat Sheet). Without a bound, a burst of logins would take the memory and the cores of
everything else in the process.
"""

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Protocol

from argon2 import Parameters, Type, extract_parameters, low_level
from argon2.exceptions import InvalidHashError, VerificationError

from .errors import HashingBusyError

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


class HashingSlot:
    """The right to hash, for the length of a block. Use it in the thread that got it."""

    def __init__(self, pool: ThreadPoolExecutor, parameters: Parameters) -> None:
        self._pool = pool
        self._parameters = parameters

    def hash(self, password: bytes) -> str:
        """Return the hash of a password in PHC format. Blocks for its 20 ms."""
        return self._pool.submit(_hash, password, self._parameters).result()

    def verify(self, hashed: str, password: bytes) -> bool:
        """Return whether `hashed` is the hash of `password`. Blocks for its 20 ms."""
        return self._pool.submit(_verify, hashed, password).result()

    def is_outdated(self, hashed: str) -> bool:
        """Return whether a hash was made with other parameters than today's."""
        with suppress(InvalidHashError):
            return extract_parameters(hashed) != self._parameters
        return True


class HashingPlace:
    """A place near the head of the queue: time to find out what is to be hashed, and whether."""

    def __init__(self, hashing: "PasswordHashing") -> None:
        self._hashing = hashing

    def slot(self) -> AbstractContextManager[HashingSlot]:
        """Wait for a slot and keep it for the block.

        Raises:
            HashingBusyError: The others did not come to an end for seconds.
        """
        return self._hashing.free_slot()


def _hash(password: bytes, parameters: Parameters) -> str:
    hashed = low_level.hash_secret(
        password,
        secrets.token_bytes(parameters.salt_len),
        parameters.time_cost,
        parameters.memory_cost,
        parameters.parallelism,
        parameters.hash_len,
        parameters.type,
    )
    return hashed.decode("ascii")


def _verify(hashed: str, password: bytes) -> bool:
    try:
        return low_level.verify_secret(hashed.encode("ascii"), password, Type.ID)
    except VerificationError:
        return False


class PasswordHashing:
    """Hands out the slots. Thread-safe; make it after any fork.

    Args:
        observer: Told how many hash or wait.
        slots: Hashes at once: one for each core that this process may use.
        queue: More that may wait for a slot.
        parameters: What new hashes cost.
    """

    def __init__(
        self,
        observer: HashingObserver,
        slots: int,
        queue: int,
        parameters: Parameters = PARAMETERS,
    ) -> None:
        self._observer = observer
        # One more than can hash: who is next is prepared while the others hash.
        self._places = threading.Semaphore(slots + 1)
        self._free = threading.Semaphore(slots)
        self._most = slots + queue
        self._admitted = 0
        self._lock = threading.Lock()
        self._parameters = parameters
        self._pool = ThreadPoolExecutor(slots, "hashing", initializer=give_way)
        self.no_password = no_password(parameters)

    def close(self) -> None:
        """Let running hashes end; later ones fail."""
        self._pool.shutdown(cancel_futures=True)

    @contextmanager
    def place(self) -> Iterator["HashingPlace"]:
        """Wait until no more than one is to hash before, and keep that place for the block.

        Raises:
            HashingBusyError: The queue is full, or did not move for seconds.
        """
        self._count(1)
        try:
            with self._acquired(self._places):
                yield HashingPlace(self)
        finally:
            self._count(-1)

    @contextmanager
    def slot(self) -> Iterator[HashingSlot]:
        """Wait for a place and a slot, and keep them for the block.

        Raises:
            HashingBusyError: The queue is full, or did not move for seconds.
        """
        with self.place() as place, place.slot() as slot:
            yield slot

    @contextmanager
    def free_slot(self) -> Iterator[HashingSlot]:
        """Wait for a slot alone; for who has a place."""
        with self._acquired(self._free):
            yield HashingSlot(self._pool, self._parameters)

    @contextmanager
    def _acquired(self, semaphore: threading.Semaphore) -> Iterator[None]:
        if not semaphore.acquire(timeout=_LONGEST_WAIT):
            raise self._busy()
        try:
            yield
        finally:
            semaphore.release()

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
