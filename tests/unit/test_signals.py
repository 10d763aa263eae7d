"""Signals are heard whatever the threads of a process do at the moment."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from multiprocessing.connection import wait

import pytest

from order_service.infra.signals import signals_readable, signals_told
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


_SLEEPING = textwrap.dedent(
    """
    import signal, sys, threading
    from {module} import {function}

    def get_it():
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    stop = threading.Event()
    {function}(stop)
    threading.Timer(0.2, get_it).start()  # the main thread sleeps by then
    sys.exit(0 if stop.wait(60) else 1)
    """
)
"""A main thread that sleeps while another one gets the signal, as the kernel pleases."""

_FORKING = textwrap.dedent(
    """
    import os, signal
    from multiprocessing.connection import wait
    from order_service.infra.signals import (
        STOP_SIGNALS, ignore_signals, signals_held, signals_readable,
    )

    with signals_readable(STOP_SIGNALS) as reading:
        waiting, go_on = os.pipe()
        with signals_held(STOP_SIGNALS):
            child = os.fork()
            if not child:
                os.read(waiting, 1)
                ignore_signals(STOP_SIGNALS)
                os.kill(os.getpid(), signal.SIGTERM)
                os._exit(7)
        os.kill(child, signal.SIGTERM)
        os.write(go_on, b"!")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert wait([reading], 0) == []
        os.kill(os.getpid(), signal.SIGTERM)
        assert wait([reading], 10) == [reading]
    """
)
"""A process that gets a signal for itself as soon as it is forked, and another one later."""


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


def _exit_code_of(script: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        check=False,
        timeout=30,
    )
    return done.returncode


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
    process = _waiting("order_service.infra.signals", "set_on_stop_signals", 3_000)
    _tell(process, 20_000)


def test_the_producer_hears_the_first_signal() -> None:
    for _ in range(3):
        _tell(_waiting("producer.pace", "stop_on_signals", 1), 1)


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("order_service.infra.signals", "set_on_stop_signals"),
        ("producer.pace", "stop_on_signals"),
    ],
)
def test_a_signal_that_another_thread_gets_wakes_up_the_main_thread(
    module: str, function: str
) -> None:
    assert _exit_code_of(_SLEEPING.format(module=module, function=function)) == 0


def test_what_comes_for_a_process_that_was_just_forked_is_not_taken_for_ours() -> None:
    assert _exit_code_of(_FORKING) == 0


def _send_to_a_thread(number: signal.Signals) -> None:
    def get_it() -> None:
        signal.pthread_kill(threading.get_ident(), number)

    thread = threading.Thread(target=get_it)
    thread.start()
    thread.join()


def test_each_signal_is_told_and_nothing_is_left() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2)}
    threads, told = threading.active_count(), []
    come = threading.Event()

    def tell(number: signal.Signals) -> None:
        told.append(number)
        come.set()

    with signals_told(tuple(before), tell):
        for number in before:
            come.clear()
            _send_to_a_thread(number)
            assert come.wait(10)
    assert told == list(before)
    assert {number: signal.getsignal(number) for number in before} == before
    assert threading.active_count() == threads
    assert signal.set_wakeup_fd(-1) == -1


def test_a_signal_can_be_read_once_it_has_come() -> None:
    with signals_readable((signal.SIGUSR1,)) as reading:
        assert wait([reading], 0) == []
        _send_to_a_thread(signal.SIGUSR1)
        assert wait([reading], 10) == [reading]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reading)
