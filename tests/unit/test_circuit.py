"""A backend that failed is left alone for a moment, then asked by one caller."""

from order_service.infra.circuit import CircuitBreaker
from tests.fakes import Clock


def opened(clock: Clock) -> CircuitBreaker:
    circuit = CircuitBreaker(pause=2.0, clock=clock)
    circuit.failed()
    return circuit


def test_a_circuit_is_closed_at_first() -> None:
    circuit = CircuitBreaker(2.0, Clock())
    assert circuit.closed
    assert all(circuit.allows() for _ in range(3))


def test_a_failure_keeps_everybody_away_for_the_pause() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += 1.9
    assert not circuit.closed
    assert not circuit.allows()


def test_after_the_pause_one_caller_probes_and_the_next_a_pause_later() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += 2.0
    assert [circuit.allows() for _ in range(3)] == [True, False, False]
    clock.now += 2.0
    assert [circuit.allows() for _ in range(3)] == [True, False, False]


def test_a_success_closes_the_circuit_for_all() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += 2.0
    assert circuit.allows()
    circuit.succeeded()
    assert circuit.closed
    assert all(circuit.allows() for _ in range(3))


def test_a_probe_that_fails_opens_the_circuit_anew() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += 2.0
    assert circuit.allows()
    clock.now += 1.0
    circuit.failed()
    clock.now += 1.9
    assert not circuit.allows()
    clock.now += 0.1
    assert circuit.allows()


def test_a_success_of_a_closed_circuit_changes_nothing() -> None:
    circuit = CircuitBreaker(2.0, Clock())
    circuit.succeeded()
    assert circuit.closed
