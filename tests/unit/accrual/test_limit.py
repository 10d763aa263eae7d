from order_service.contexts.accrual.limit import RequestLimit


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_requests_a_minute_are_answered_and_no_more() -> None:
    clock = Clock()
    limit = RequestLimit(3, clock)
    assert [limit.wait() for _ in range(5)] == [0, 0, 0, 60, 60]
    clock.now += 59.5
    assert limit.wait() == 1
    clock.now += 0.5
    assert [limit.wait() for _ in range(4)] == [0, 0, 0, 60]


def test_the_minute_begins_with_the_first_request() -> None:
    clock = Clock()
    limit = RequestLimit(1, clock)
    assert limit.wait() == 0
    clock.now += 45
    assert limit.wait() == 15


def test_without_a_limit_every_request_is_answered() -> None:
    limit = RequestLimit(0)
    assert not any(limit.wait() for _ in range(1000))
