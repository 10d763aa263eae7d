"""Times of a consumer loop."""

from typing import NamedTuple


class Timing(NamedTuple):
    """All in seconds.

    Attributes:
        poll: Longest wait for messages in one turn of the loop.
        linger: Longest time that brokers gather messages of a stream; 0 is not at all.
        keepalive: Between two polls while a batch is being waited for.
        lag_probe: Between two measurements of the lag.
        probe_timeout: Longest wait for a broker that is asked for an offset.
        shutdown: What a batch that is being stored gets when the process stops.
    """

    poll: float = 0.5
    linger: float = 0.0
    keepalive: float = 1.0
    lag_probe: float = 5.0
    probe_timeout: float = 2.0
    shutdown: float = 10.0
