"""Random but realistic orders, the same ones for the same seed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from random import Random

from producer import faults, goods, people
from producer.message import Message, Order, encode

# How many orders back a repeat may reach: bounds the memory of an endless run.
_REMEMBERED = 10_000
_SERVICES = ("meest", "dhl", "почта", "顺丰", "correios")


@dataclass(frozen=True)
class Mix:
    """Shares (0 to 1) of messages that are not simply a new order.

    `invalid` have one of the `kinds` of faults. `duplicates` and `changed` repeat an earlier
    order: with the same bytes, or with the same uid and other content.
    """

    invalid: float = 0.0
    duplicates: float = 0.0
    changed: float = 0.0
    kinds: tuple[faults.Kind, ...] = faults.DEFAULT_KINDS


class OrderGenerator:
    """Makes orders and messages; the same seed, time and mix give the same sequence.

    `now` (aware) is the newest time that an order may bear; the oldest is `spread` before it.
    A caller that runs for long may move `now` on.
    """

    def __init__(
        self,
        seed: int,
        now: datetime,
        mix: Mix | None = None,
        spread: timedelta = timedelta(days=1),
    ) -> None:
        self.now = now
        self._mix = mix or Mix()
        self._spread = spread.total_seconds()
        self._random = Random(seed)  # noqa: S311  repeatable on purpose
        self._sent: list[Order] = []

    def order(self) -> Order:
        """Return a new valid order with a uid of its own."""
        random = self._random
        uid, track = f"{random.getrandbits(76):019x}", f"WB{random.getrandbits(48):012X}"
        country = random.choice(people.COUNTRIES)
        bought = goods.items(random, track)
        created = self.now - timedelta(seconds=random.random() * self._spread)
        return {
            "order_uid": uid,
            "track_number": track,
            "entry": "WBIL",
            "delivery": people.delivery(random, country),
            "payment": goods.payment(
                random, uid, country.currency, int(created.timestamp()), bought
            ),
            "items": bought,
            "locale": country.locale,
            "internal_signature": "",
            "customer_id": f"customer-{random.randrange(10_000)}",
            "delivery_service": random.choice(_SERVICES),
            "shardkey": str(random.randrange(10)),
            "sm_id": random.randrange(1, 1000),
            "date_created": self._written(created),
            "oof_shard": str(random.randrange(1, 3)),
        }

    def message(self) -> Message:
        """Return the next message of the mix."""
        chance = self._random.random()
        mix = self._mix
        if chance < mix.invalid:
            return self.invalid(self._random.choice(mix.kinds))
        if self._sent and chance < mix.invalid + mix.duplicates:
            return _message(self._random.choice(self._sent), "duplicate")
        if self._sent and chance < mix.invalid + mix.duplicates + mix.changed:
            return _message(self._changed(), "changed")
        return _message(self._remembered(self.order()), "order")

    def invalid(self, kind: faults.Kind) -> Message:
        """Return a message that the service must refuse, with a uid that no order has."""
        order = self.order()
        key = str(order["order_uid"]).encode()
        return Message(key, faults.spoil(kind, order, self._random), valid=False, kind=kind.value)

    def _remembered(self, order: Order) -> Order:
        if self._mix.duplicates or self._mix.changed:
            if len(self._sent) < _REMEMBERED:
                self._sent.append(order)
            else:
                self._sent[self._random.randrange(_REMEMBERED)] = order
        return order

    def _changed(self) -> Order:
        """Return an earlier order with other items and sums, and remember it as it is now."""
        place = self._random.randrange(len(self._sent))
        other = self.order()
        kept = {name: self._sent[place][name] for name in ("order_uid", "customer_id", "entry")}
        payment = other["payment"] | {"transaction": kept["order_uid"]}
        self._sent[place] = other | kept | {"payment": payment}
        return self._sent[place]

    def _written(self, moment: datetime) -> str:
        """Return the time in one of the forms in which shops write it."""
        chance = self._random.random()
        if chance < 0.1:  # noqa: PLR2004  one in ten with an offset
            offset = timezone(timedelta(minutes=30 * self._random.randrange(-16, 24)))
            return moment.astimezone(offset).isoformat(timespec="seconds")
        precision = "microseconds" if chance < 0.2 else "seconds"  # noqa: PLR2004  one in ten
        utc = moment.astimezone(UTC).isoformat(timespec=precision)
        return utc.removesuffix("+00:00") + "Z"


def _message(order: Order, kind: str) -> Message:
    return Message(str(order["order_uid"]).encode(), encode(order), valid=True, kind=kind)
