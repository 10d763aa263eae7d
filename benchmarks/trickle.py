"""Sends new orders at a steady rate, from a process of its own so that load is not disturbed.

Usage: python -m benchmarks.trickle <orders a second> <seconds>; says `ready` before it begins.
"""

import os
import sys
import time

from benchmarks.orders import samples
from benchmarks.stack import hand_over, open_producer

_TICK_S = 0.01


def main(rate: float, seconds: float) -> None:
    """Make the orders, say so, wait for a line, send them in time."""
    messages = list(samples(round(rate * seconds), seed=os.getpid()))
    producer = open_producer(os.environ)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    for number, (uid, body) in enumerate(messages):
        while time.perf_counter() < began + number / rate:
            time.sleep(_TICK_S)
        hand_over(producer, uid, body)
    producer.flush(10)


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
