"""The rows of an order that is new to the database, in the text format of ``COPY``.

They are written where a message is decoded and not where it is stored: the thread that decodes
has time to spare while the database works. The format is that of the Postgres manual (COPY,
"Text Format"): a line a row, tabs between the columns, which here stand in the order of the
``copy_...`` statements in queries.sql.
"""

import re
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import asdict, astuple, replace

from .model import Delivery, Document, Item, Order, Payment
from .ports import Rows, Source

Part = TypeVar("Part", bound=Struct)

_NULL = r"\N"
_ESCAPED = re.compile(rb"\\[\\tnr]")
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def _line(part: type[Struct], keys: int) -> str:
    """Return the template of a row: so many columns of its key, then the fields of `part`."""
    return "\t".join(["%s"] * (keys + len(part.__struct_fields__))) + "\n"


_DELIVERY = _line(Delivery, 1)
_PAYMENT = _line(Payment, 1)
_ITEM = _line(Item, 2)


def rows_of(order: Order, document: Document, source: Source) -> Rows:
    """Return the rows of `order`, whose canonical form is `document`."""
    # What must be escaped here is escaped in JSON as well, where it is found sooner.
    if b"\\" in document.body and _ESCAPED.search(document.body):
        order = _escape_all(order)
    uid = order.order_uid
    line = (
        f"{uid}\t{order.track_number}\t{order.entry}\t{order.locale}\t{order.internal_signature}\t"
        f"{order.customer_id}\t{order.delivery_service}\t{order.shardkey}\t{order.sm_id}\t"
        f"{order.date_created.isoformat()}\t{order.oof_shard}\t\\\\x{document.digest}\t"
        f"{source.stream or _NULL}\t{source.partition}\t{source.offset}\n"
    )
    items = [_ITEM % (uid, place, *astuple(item)) for place, item in enumerate(order.items, 1)]
    return Rows(
        line.encode(),
        (_DELIVERY % (uid, *astuple(order.delivery))).encode(),
        (_PAYMENT % (uid, *astuple(order.payment))).encode(),
        "".join(items).encode(),
    )


def _escape_all(order: Order) -> Order:
    return replace(
        _escape(order),
        delivery=_escape(order.delivery),
        payment=_escape(order.payment),
        items=tuple(map(_escape, order.items)),
    )


def _escape(part: Part) -> Part:
    """Return a part of an order with its texts as ``COPY`` wants them."""
    texts = {
        name: value.translate(_ESCAPES)
        for name, value in asdict(part).items()
        if isinstance(value, str)
    }
    return replace(part, **texts)
