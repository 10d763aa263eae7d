"""Accrual: the system that says how many points an order is worth."""

from order_service.context import Context, Scope, Worker
from order_service.context.later import imported_later

from .settings import SECTION

_CALCULATOR = Worker(
    name="accrual-calculator",
    about="""Calculate how many points the registered orders are worth, until SIGTERM.

    Start as many as you like: each takes orders with a lease, and those of one that dies are taken
    by another half a minute later.
    """,
    needs=("postgres",),
    open=imported_later(f"{__name__}.wiring:Calculator"),
)

CONTEXT = Context(
    name="accrual",
    section=SECTION,
    api=f"{__name__}.wiring",
    api_needs=("postgres",),
    scopes={"accrual": Scope("register goods and orders, and see their points", admins=True)},
    workers=(_CALCULATOR,),
    visit=imported_later(f"{__name__}.demo:play"),
    rights={
        "accrual.rules": ("SELECT", "INSERT"),
        "accrual.orders": ("SELECT", "INSERT", "UPDATE"),
    },
)
