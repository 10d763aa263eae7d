"""Whom a process remembers to have failed."""

from order_service.contexts.accounts.suspects import Suspects


def test_a_login_or_an_address_is_enough() -> None:
    suspects = Suspects()
    suspects.add("ann", "192.0.2.1")
    assert suspects.last("ann", "198.51.100.1")
    assert suspects.last("bob", "192.0.2.1")
    assert not suspects.last("bob", "198.51.100.1")


def test_each_failure_has_a_number_of_its_own() -> None:
    suspects = Suspects()
    suspects.add("ann", "192.0.2.1")
    first = suspects.last("ann", "192.0.2.1")
    suspects.add("bob", "192.0.2.1")
    assert suspects.last("ann", "192.0.2.1") > first == suspects.last("ann", "198.51.100.1")


def test_the_oldest_are_forgotten_and_a_repeated_one_is_not_old() -> None:
    suspects = Suspects(most=2)
    for login in ("ann", "bob", "ann", "cid"):
        suspects.add(login, f"address of {login}")
    known = [login for login in ("ann", "bob", "cid") if suspects.last(login, "elsewhere")]
    assert known == ["ann", "cid"]
    assert not suspects.last("nobody", "address of bob")
