"""The HTTP face of the orders context: routes, their schemas and the form of an answer."""

from .blueprint import ASKED, ORDER_RULE, UNKNOWN, ListLimits, create_blueprint
from .ports import OrderLookup
from .representation import Answer, Representation

__all__ = [
    "ASKED",
    "ORDER_RULE",
    "UNKNOWN",
    "Answer",
    "ListLimits",
    "OrderLookup",
    "Representation",
    "create_blueprint",
]
