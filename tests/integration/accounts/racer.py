"""What one of several processes does that renew at the same time."""

from multiprocessing.synchronize import Barrier

from order_service.contexts.accounts.errors import SessionEndedError
from tests.backends import Environ, process_of
from tests.integration.accounts.bench import HERE, AccountsBench


class Racer:
    """The process's own service and the line that all start from."""

    bench: AccountsBench
    barrier: Barrier

    @classmethod
    def open(cls, environ: Environ, barrier: Barrier) -> None:
        cls.bench = AccountsBench(process_of(environ).database(2))
        cls.barrier = barrier


def renew(token: str) -> str:
    """The successor that this process gets; empty if it is refused."""
    Racer.bench.keeping.refresh()
    Racer.barrier.wait(120)
    try:
        return Racer.bench.sessions.renew(token, HERE).refresh_token
    except SessionEndedError:
        return ""
