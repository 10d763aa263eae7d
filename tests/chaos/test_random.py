"""Faults at random, one after another, under load; at the end nothing may be missing.

`make chaos SEED=7 MINUTES=10` runs a schedule for as long as one likes, with at least 100,000
orders; without a duration a short one of a fixed seed runs. The seed in a failure repeats its
faults in turn.
"""

import os
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from order_service.embedded.server import KafkaServer
from tests.chaos.feed import Feed
from tests.chaos.schedule import Step, schedule
from tests.chaos.service import Service
from tests.chaos.stack import Stack, running_stack

pytestmark = pytest.mark.apache_kafka

SEED = int(os.environ.get("CHAOS_SEED") or 20)
MINUTES = float(os.environ.get("CHAOS_MINUTES") or 0)
SECONDS = MINUTES * 60 or 12.0
ORDERS = 100_000 if MINUTES else 4_000


@pytest.mark.timeout(SECONDS * 3 + 240)
def test_a_random_schedule_of_faults_loses_nothing(
    tmp_path: Path, kafka_server: KafkaServer
) -> None:
    with running_stack(tmp_path, kafka_server) as stack, stack.feed(SEED) as feed:
        services = [stack.consumer(), stack.consumer(), stack.api()]
        for service in services:
            service.await_status(200, 40)
        answers = Counter[int]()
        over = threading.Event()
        reader = threading.Thread(target=_read, args=(services[2], feed, answers, over))
        reader.start()
        try:
            feed.flow(max(200, 1.3 * ORDERS / SECONDS))
            faults = _break_things(stack, services)
        finally:
            over.set()
            reader.join()
        feed.pause()
        feed.produce(max(0, ORDERS - feed.count))
        _revive(services)
        census = stack.check_set(feed)
        print(f"seed {SEED}: {faults} {census} answers {answers}")  # noqa: T201 - the summary
        assert census.messages >= ORDERS * 0.99
        assert answers.keys() <= {0, 200, 404, 503}, answers


def _break_things(stack: Stack, services: list[Service]) -> Counter[str]:
    """Follow the schedule until the time is up; return how often each fault occurred."""
    done = Counter[str]()
    end = time.monotonic() + SECONDS
    steps = schedule(SEED)
    dice = Random(SEED)  # noqa: S311 - repeatable on purpose
    while time.monotonic() < end:
        step = next(steps)
        done[step.fault.name] += 1
        _revive(services)
        _take(step, stack, services, dice)
    return done


def _take(step: Step, stack: Stack, services: list[Service], dice: Random) -> None:
    mend = step.fault.begin(stack, services, dice)
    try:
        time.sleep(step.lasting)  # the length of a fault is part of the schedule
    finally:
        mend()
    time.sleep(step.quiet)


def _revive(services: list[Service]) -> None:
    """Start again what ended itself, as a supervisor would."""
    for service in services:
        if service.process.poll() is not None:
            service.start()


def _read(api: Service, feed: Feed, answers: Counter[int], over: threading.Event) -> None:
    """Look orders up, known and unknown ones."""
    number = 0
    while not over.wait(0.02):
        number += 1
        uid = feed.some_key(number) or "none"
        answers[api.get(f"/order/{uid}", timeout=10).status] += 1
