"""How a context tells that its storage is away."""

import contextlib
from collections.abc import Iterator

from order_service.infra.postgres.faults import UnavailableError


@contextlib.contextmanager
def unavailable_as(own: type[Exception]) -> Iterator[None]:
    """Raise an error of the context's own for a database that cannot answer now."""
    try:
        yield
    except UnavailableError as error:
        raise own(str(error)) from error
