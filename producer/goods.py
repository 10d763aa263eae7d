"""What is ordered: items, and a payment whose sums agree with them."""

from random import Random
from typing import Any

_PRODUCTS = (
    ("Mascara", "Vivienne Sabo"),
    ("Чайник электрический", "Полярная звезда"),
    ("Wanderschuhe", "Bergfreund"),
    ("蓝牙耳机", "小鹿科技"),
    ("Café torrado 500 g", "Serra Azul"),
    ("Notebook A5, dotted", "Paper & Co"),
    ('Monitor 27" "Pro"', "Lumen"),
    ("חולצת כותנה", "תפוז"),
    ("عود معطر", "بيت الورد"),
    ("LED strip 💡 5 m", "Glow"),
)
_SIZES = ("0", "XS", "S", "M", "L", "XL", "42", "27.5")
_SALES = (0, 0, 0, 5, 10, 15, 20, 30, 50, 70)
_STATUSES = (202, 202, 202, 200, 300, 404)
_PROVIDERS = ("wbpay", "cardflow", "sbp", "pix", "applepay")
_BANKS = ("alpha", "sber", "leumi", "Itaú", "中国银行", "Postbank")
_DELIVERY_COSTS = (0, 0, 300, 500, 990, 1500)
_COUNTS = (1, 1, 1, 2, 2, 3, 4, 5, 6, 8)


def items(random: Random, track_number: str) -> list[dict[str, Any]]:
    """Return 1 to 8 items of one parcel; each total is its price less the sale in percent."""
    return [_item(random, track_number) for _ in range(random.choice(_COUNTS))]


def _item(random: Random, track_number: str) -> dict[str, Any]:
    name, brand = random.choice(_PRODUCTS)
    price, sale = int(random.lognormvariate(7, 1)) + 1, random.choice(_SALES)
    return {
        "chrt_id": random.randrange(1, 10**8),
        "track_number": track_number,
        "price": price,
        "rid": f"{random.getrandbits(84):021x}",
        "name": name,
        "sale": sale,
        "size": random.choice(_SIZES),
        "total_price": price * (100 - sale) // 100,
        "nm_id": random.randrange(1, 10**7),
        "brand": brand,
        "status": random.choice(_STATUSES),
    }


def payment(
    random: Random, uid: str, currency: str, paid_at: int, bought: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the payment of these items: goods, delivery and customs make up the amount."""
    goods_total = sum(item["total_price"] for item in bought)
    delivery_cost = random.choice(_DELIVERY_COSTS)
    custom_fee = goods_total // 10 if random.random() < 0.1 else 0  # noqa: PLR2004  one in ten
    return {
        "transaction": uid,
        "request_id": "",
        "currency": currency,
        "provider": random.choice(_PROVIDERS),
        "amount": goods_total + delivery_cost + custom_fee,
        "payment_dt": paid_at,
        "bank": random.choice(_BANKS),
        "delivery_cost": delivery_cost,
        "goods_total": goods_total,
        "custom_fee": custom_fee,
    }
