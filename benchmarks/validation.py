"""Validation of a good order: the compiled decoder against marshmallow."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import command
from benchmarks.harness import Row, Scale, alternate, at_least
from benchmarks.orders import samples
from order_service.contexts.orders.decode import decode
from order_service.contexts.orders.schema import OrderSchema

_ORDERS = 500
_REPEAT = 4


def microseconds(check: Callable[[Any], object], orders: Sequence[Any], repeat: int) -> float:
    """Return the microseconds that one order takes."""
    began = time.perf_counter()
    for _ in range(repeat):
        for order in orders:
            check(order)
    return (time.perf_counter() - began) * 1e6 / (repeat * len(orders))


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    bodies = [body for _, body in samples(_ORDERS)]
    parsed = [json.loads(body) for body in bodies]
    schema = OrderSchema()
    ours, theirs = alternate(
        lambda: 1e6 / microseconds(decode, bodies, 25 * _REPEAT if scale.pairs > 1 else 1),
        lambda: 1e6 / microseconds(schema.load, parsed, _REPEAT if scale.pairs > 1 else 1),
        scale.pairs,
    )
    return [
        Row(
            "Validation of a good order, from the message's bytes",
            "marshmallow `load` of the parsed JSON, one Schema object for all",
            at_least(30),
            ours,
            theirs,
            "orders/s",
            f"{_ORDERS} orders over and over, one thread. Parsing the JSON counts for ours and "
            "not for marshmallow.",
        )
    ]


if __name__ == "__main__":
    command.main(run, __doc__)
