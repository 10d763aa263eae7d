"""The HTTP face of the orders context: routes, their schemas and the form of an answer."""

from .blueprint import FAILURE, ORDER_RULE, ListLimits, create_blueprint
from .ports import OrderLookup
from .representation import Answer, Representation

__all__ = [
    "FAILURE",
    "ORDER_RULE",
    "Answer",
    "ListLimits",
    "OrderLookup",
    "Representation",
    "create_blueprint",
]
