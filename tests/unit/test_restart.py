"""When a child that died is started again, and what counts as a crash loop."""

from order_service.embedded.restart import RestartLimits, RestartPolicy


def test_delays_double_up_to_their_ceiling() -> None:
    policy = RestartPolicy(RestartLimits(base_delay=1, max_delay=10), jitter=lambda: 1.0)
    delays = [policy.died(now=second, uptime=0).delay for second in range(7)]
    assert delays == [1, 2, 4, 8, 10, 10, 10]


def test_jitter_takes_at_most_half_of_a_delay() -> None:
    policy = RestartPolicy(RestartLimits(base_delay=1, max_delay=10), jitter=lambda: 0.0)
    assert [policy.died(now=second, uptime=0).delay for second in range(3)] == [0.5, 1, 2]


def test_a_child_that_stayed_up_long_enough_starts_over_with_the_first_delay() -> None:
    policy = RestartPolicy(RestartLimits(base_delay=1, stable_after=20), jitter=lambda: 1.0)
    for second in range(5):
        policy.died(now=second, uptime=0.5)
    assert policy.died(now=100, uptime=20).delay == 1


def test_only_deaths_inside_the_window_make_a_crash_loop() -> None:
    policy = RestartPolicy(RestartLimits(loop_deaths=3, loop_window=60), jitter=lambda: 1.0)
    verdicts = [policy.died(now=second, uptime=1) for second in (0, 30, 59, 61, 200)]
    assert [decision.crash_loop for decision in verdicts] == [False, False, True, True, False]
    assert [decision.recent_deaths for decision in verdicts] == [1, 2, 3, 3, 1]


def test_ten_thousand_deaths_do_not_overflow_the_delay() -> None:
    policy = RestartPolicy(RestartLimits(max_delay=15), jitter=lambda: 1.0)
    delays = [policy.died(now=n, uptime=0).delay for n in range(10_000)]
    assert delays[-1] == 15
