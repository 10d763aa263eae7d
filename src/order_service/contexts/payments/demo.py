"""The demo's person opens a wallet and puts money into it, once."""

from order_service.context.demo import DemoVisit

_DEPOSIT = 10_000


def play(visit: DemoVisit) -> None:
    """Do this context's part of the visit."""
    if not visit.signed_in:
        return
    visit.ask("POST", "/wallet")
    if not visit.ask("GET", "/wallet/entries?limit=1").json()["entries"]:
        # The key is for two runs that are cut short one after the other.
        visit.ask("POST", "/wallet/deposits", {"amount": _DEPOSIT}, key="demo-deposit")
    visit.tell("Wallet", f"{visit.url}/#/shop/wallet")
