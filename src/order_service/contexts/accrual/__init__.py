"""Accrual: the system that says how many points an order is worth."""

from typing import TYPE_CHECKING

from order_service.context import Context, Scope, Work, Worker

from .settings import SECTION

if TYPE_CHECKING:
    from order_service.context.demo import DemoVisit
    from order_service.context.process import Process


def _open_calculator(process: "Process") -> Work:
    from .wiring import Calculator

    return Calculator(process)


def _visit(visit: "DemoVisit") -> None:
    from .demo import play

    play(visit)


_CALCULATOR = Worker(
    name="accrual-calculator",
    about="""Calculate how many points the registered orders are worth, until SIGTERM.

    Start as many as you like: each takes orders with a lease, and those of one that dies are taken
    by another half a minute later.
    """,
    needs=("postgres",),
    open=_open_calculator,
)

CONTEXT = Context(
    name="accrual",
    section=SECTION,
    api=f"{__name__}.wiring",
    api_needs=("postgres",),
    scopes={"accrual": Scope("register goods and orders, and see their points", admins=True)},
    workers=(_CALCULATOR,),
    visit=_visit,
    rights={
        "accrual.rules": ("SELECT", "INSERT"),
        "accrual.orders": ("SELECT", "INSERT", "UPDATE"),
    },
)
