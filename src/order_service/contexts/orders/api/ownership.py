"""Whose orders a caller sees: staff and programs all of them, a customer their own.

A customer's orders are those whose `customer_id` is the id of the person, the subject of the token.
"""

import msgspec

from order_service.contexts.orders.model import Document
from order_service.http.authentication import Principal

READ = "orders:read"
"""Scope of those who may read all orders."""

READ_OWN = "orders:read:own"
"""Scope of customers."""


class _Owned(msgspec.Struct):
    customer_id: str


_owner_of = msgspec.json.Decoder(_Owned).decode


def may_see(principal: Principal | None, document: Document) -> bool:
    """Whether a caller may read an order; where nobody needs a credential, everybody may."""
    if principal is None or READ in principal.scopes:
        return True
    return _owner_of(document.body).customer_id == principal.subject


def limited_to(principal: Principal | None) -> dict[str, str]:
    """Return what a list must be filtered by for this caller, whatever it asks for."""
    if principal is None or READ in principal.scopes:
        return {}
    return {"customer_id": principal.subject}
