"""The set check itself: it must notice every kind of loss that it is there to notice."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.feed import Place, orders
from tests.chaos.set_check import Letter, check_set, expected_rows

GOOD = [message.value for message in orders(1, 3)]
BAD = b"{"


class World:
    """Three orders and one bad message, dealt with as they should be."""

    def __init__(self) -> None:
        values = [*GOOD, BAD]
        self.log = {Place(0, offset): value for offset, value in enumerate(values)}
        self.valid = {value: value != BAD for value in values}
        self.rows = expected_rows(self.log, self.valid)
        self.letters = {Place(0, 3): [Letter("invalid_json", BAD, b"", {})]}

    def check(self) -> None:
        check_set(self.log, dict(self.log), self.valid, self.rows, self.letters)


def lose_a_row(world: World) -> None:
    world.rows.popitem()


def add_a_row(world: World) -> None:
    world.rows["another"] = {}


def lose_an_item(world: World) -> None:
    next(iter(world.rows.values()))["items"].pop()


def change_an_amount(world: World) -> None:
    next(iter(world.rows.values()))["payment"]["amount"] += 1


def lose_a_letter(world: World) -> None:
    world.letters.clear()


def bury_a_good_one(world: World) -> None:
    world.letters[Place(0, 0)] = [Letter("invalid_json", GOOD[0], b"", {})]


def cut_a_letter(world: World) -> None:
    world.letters[Place(0, 3)] = [Letter("invalid_json", b"", b"", {})]


def keep_an_older_version(world: World) -> None:
    newer = json.loads(GOOD[0]) | {"entry": "NEWER"}
    value = json.dumps(newer).encode()
    world.log[Place(0, 4)] = value
    world.valid[value] = True


def test_a_world_in_order_passes() -> None:
    World().check()


@pytest.mark.parametrize(
    "spoil",
    [
        lose_a_row,
        add_a_row,
        lose_an_item,
        change_an_amount,
        lose_a_letter,
        bury_a_good_one,
        cut_a_letter,
        keep_an_older_version,
    ],
    ids=lambda spoil: spoil.__name__,
)
def test_each_kind_of_loss_is_noticed(spoil: Callable[[World], Any]) -> None:
    world = copy.deepcopy(World())
    spoil(world)
    with pytest.raises(AssertionError):
        world.check()


def test_a_message_that_the_broker_lost_is_noticed() -> None:
    world = World()
    acknowledged = {**world.log, Place(1, 0): b"gone"}
    with pytest.raises(AssertionError, match="lost acknowledged"):
        check_set(world.log, acknowledged, world.valid, world.rows, world.letters)
