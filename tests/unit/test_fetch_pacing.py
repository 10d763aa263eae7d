"""Brokers gather messages while they keep coming, and hold none back that comes alone."""

from types import SimpleNamespace

import pytest

from order_service.infra.kafka.fetch_pacing import FetchPacing

ALONE = {"fetch_min_bytes": 1, "fetch_max_wait_ms": 100}


class Rig:
    """A pacing and the settings that its consumer fetches with."""

    def __init__(self, linger: float) -> None:
        self.settings: dict[str, int] = {**ALONE, "fetch_max_bytes": 7}
        consumer = SimpleNamespace(_fetcher=SimpleNamespace(config=self.settings))
        self.pacing = FetchPacing(consumer, linger)

    def waits(self) -> dict[str, int]:
        return {name: self.settings[name] for name in ALONE}


def test_a_first_message_is_not_waited_for() -> None:
    assert Rig(0.025).waits() == ALONE


@pytest.mark.parametrize(("linger", "milliseconds"), [(0.025, 25), (0.0001, 1), (1.0, 1000)])
def test_behind_messages_more_are_gathered(linger: float, milliseconds: int) -> None:
    rig = Rig(linger)
    rig.pacing.polled(messages=True, waited=True)
    assert rig.waits() == {"fetch_min_bytes": 262144, "fetch_max_wait_ms": milliseconds}
    assert rig.settings["fetch_max_bytes"] == 7


def test_a_silence_ends_the_gathering() -> None:
    rig = Rig(0.025)
    rig.pacing.polled(messages=True, waited=True)
    rig.pacing.polled(messages=False, waited=True)
    assert rig.waits() == ALONE


def test_a_look_that_did_not_wait_is_no_silence() -> None:
    rig = Rig(0.025)
    rig.pacing.polled(messages=True, waited=True)
    rig.pacing.polled(messages=False, waited=False)
    assert rig.waits() != ALONE


def test_without_linger_nothing_is_ever_gathered() -> None:
    rig = Rig(0.0)
    rig.pacing.polled(messages=True, waited=True)
    assert rig.waits() == ALONE
