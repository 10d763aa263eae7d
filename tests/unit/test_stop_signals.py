"""A stop by signal is heard whatever the main thread does at the moment."""

import signal
import subprocess
import sys
import textwrap
import time

from tests.builders import ROOT

_WAITING = textwrap.dedent(
    """
    import os, threading
    from {module} import {function}

    stop = threading.Event()
    {function}(stop)
    print("waiting", flush=True)
    heard = 0
    while heard < {times}:
        if stop.wait(0.00001):
            stop.clear()
            heard += 1
    os._exit(0)  # an orderly end would take the handlers away while signals still come
    """
)
"""A main thread that waits for the event, and holds the lock of it for much of that time."""


def _waiting(module: str, function: str, times: int) -> subprocess.Popen[str]:
    script = _WAITING.format(module=module, function=function, times=times)
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _tell(process: subprocess.Popen[str], at_most: int) -> None:
    """Send it SIGTERM over and over until it ends, and assert that it ended well."""
    try:
        assert process.stdout
        assert process.stdout.readline() == "waiting\n"
        for _ in range(at_most):
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGTERM)
            time.sleep(0.0002)
        _, errors = process.communicate(timeout=10)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, errors[-2000:]


def test_signals_never_meet_a_lock_that_the_main_thread_holds() -> None:
    process = _waiting("order_service.infra.stop_signals", "set_on_stop_signals", 3_000)
    _tell(process, 20_000)


def test_the_producer_hears_the_first_signal() -> None:
    for _ in range(3):
        _tell(_waiting("producer.pace", "stop_on_signals", 1), 1)
