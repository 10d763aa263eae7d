"""Lets brokers gather messages for a moment, but only while messages keep coming.

A message that comes alone is to be stored at once. In a stream each batch costs a fetch and two
commits, however few messages it has: 2,000 a second came as 140 batches and kept more than a core
busy; gathered for 50 ms each, they take half of that. Producers have the same idea, named linger.
"""

from kafka import KafkaConsumer

from .internals import fetch_settings

_ENOUGH_BYTES = 256 * 1024
"""What a broker need not gather any longer for: a backlog is not held up."""


class FetchPacing:
    """Tells the brokers of one consumer how long to gather.

    Args:
        consumer: Its polls are told to `polled`, by the thread that owns it.
        linger: Longest time that a message of a stream is held back, in seconds; 0 is not at all.
    """

    def __init__(self, consumer: KafkaConsumer, linger: float) -> None:
        gathering = {
            "fetch_min_bytes": _ENOUGH_BYTES,
            "fetch_max_wait_ms": max(1, round(linger * 1000)),
        }
        self._settings = fetch_settings(consumer) if linger else {}
        self._gathering = gathering if linger else {}
        self._alone = {name: self._settings[name] for name in self._gathering}
        self._streaming = False

    def polled(self, *, messages: bool, waited: bool) -> None:
        """A poll brought messages or none, after it had waited for some or not."""
        # A look at what is buffered that finds nothing says nothing about the stream.
        if messages != self._streaming and (messages or waited):
            self._streaming = messages
            self._settings.update(self._gathering if messages else self._alone)
