"""Works on the next items while the one at hand is being handled."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def map_ahead(call: Callable[[T], R], items: Iterable[T], at_once: int) -> Iterator[R]:
    """Yield what `call` returns for each item, in the order of the items.

    Args:
        call: Called in other threads.
        items: Taken one by one, in the caller's thread, `at_once` ahead of what is yielded.
        at_once: Most calls at the same time.

    Raises:
        Exception: Whatever a call raises, where its result would be yielded.
    """
    with ThreadPoolExecutor(at_once, thread_name_prefix="ahead") as threads:
        coming: deque[Future[R]] = deque()
        for item in items:
            coming.append(threads.submit(call, item))
            if len(coming) > at_once:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
