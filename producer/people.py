"""Who orders, and from where: names, cities and streets that belong together, in their script."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Country:
    """What the delivery of an order to this country is drawn from.

    `name` and `address` are patterns; a `#` in `zip` and `phone` stands for a digit.
    """

    locale: str
    currency: str
    given: tuple[str, ...]
    family: tuple[str, ...]
    places: tuple[tuple[str, str], ...]  # city, region
    streets: tuple[str, ...]
    zip: str
    phone: str
    name: str = "{given} {family}"
    address: str = "{street} {house}"


COUNTRIES = (
    Country(
        locale="en",
        currency="USD",
        given=("Alice", "Brandon", "Chloe", "Deborah", "Ethan", "Fiona", "Grace", "Henry"),
        family=("O'Neill", "Carter", "Smith-Jones", "Walker", "Nguyen", "Brooks", "Hall"),
        places=(("Portland", "Oregon"), ("Austin", "Texas"), ("Albany", "New York")),
        streets=("Maple Street", "2nd Avenue", "Lakeview Drive", "Mill Road"),
        zip="#####",
        phone="+1503#######",
        address="{house} {street}",
    ),
    Country(
        locale="de",
        currency="EUR",
        given=("Jörg", "Anneliese", "Björn", "Käthe", "Günther", "Zoë"),
        family=("Müller", "Weiß", "Schröder", "von der Heide", "Groß"),
        places=(("München", "Bayern"), ("Köln", "Nordrhein-Westfalen"), ("Jena", "Thüringen")),
        streets=("Lindenstraße", "Am Mühlbach", "Goetheplatz", "Kirchgäßchen"),
        zip="#####",
        phone="+4989#######",
    ),
    Country(
        locale="ru",
        currency="RUB",
        given=("Анна", "Семён", "Ольга", "Юрий", "Екатерина", "Пётр", "Любовь"),
        family=("Иваненко", "Черных", "Седых", "Живаго", "Дурново", "Щукин-Левый"),
        places=(("Казань", "Татарстан"), ("Подольск", "Московская область"), ("Омск", "Сибирь")),
        streets=("улица Мира", "Садовый проезд", "площадь Революции", "Речной бульвар"),
        zip="######",
        phone="+7916#######",
        name="{family} {given}",
        address="{street}, д. {house}",
    ),
    Country(
        locale="he",
        currency="ILS",
        given=("נועה", "איתי", "תמר", "יונתן", "שירה"),
        family=("כהן", "לוי", "מזרחי", "פרץ", "אברהמי"),
        places=(("קריית מוצקין", "חיפה"), ("רעננה", "המרכז"), ("אילת", "הדרום")),
        streets=("רחוב הרצל", "שדרות בן גוריון", "רחוב הזית"),
        zip="#######",
        phone="+97252#######",
    ),
    Country(
        locale="zh",
        currency="CNY",
        given=("伟", "秀英", "子涵", "建国", "欣怡"),
        family=("王", "李", "欧阳", "陈", "司马"),
        places=(("成都市", "四川省"), ("杭州市", "浙江省"), ("深圳市", "广东省")),
        streets=("人民路", "解放大道", "桂花巷"),
        zip="######",
        phone="+86138########",
        name="{family}{given}",
        address="{street}{house}号",
    ),
    Country(
        locale="ar",
        currency="AED",
        given=("فاطمة", "محمد", "ليلى", "خالد", "نور"),
        family=("الهاشمي", "المنصوري", "الكعبي", "حداد"),
        places=(("دبي", "إمارة دبي"), ("العين", "إمارة أبوظبي"), ("خورفكان", "الشارقة")),
        streets=("شارع الوحدة", "شارع الخليج", "طريق المطار"),
        zip="#####",
        phone="+97150#######",
    ),
    Country(
        locale="pt",
        currency="BRL",
        given=("João", "Conceição", "Luís", "Inês", "Otávio"),
        family=("da Silva", "Gonçalves", "Araújo", "de Assunção"),
        places=(("São Paulo", "SP"), ("Belém", "PA"), ("Florianópolis", "SC")),
        streets=("Rua das Flores", "Avenida São João", "Travessa do Comércio"),
        zip="#####-###",
        phone="+5511#########",
        address="{street}, {house}",
    ),
)


def delivery(random: Random, country: Country) -> dict[str, str]:
    """Return a delivery to somebody in that country."""
    given, family = random.choice(country.given), random.choice(country.family)
    city, region = random.choice(country.places)
    street, house = random.choice(country.streets), random.randint(1, 199)
    return {
        "name": country.name.format(given=given, family=family),
        "phone": _digits(random, country.phone),
        "zip": _digits(random, country.zip),
        "city": city,
        "address": country.address.format(street=street, house=house),
        "region": region,
        "email": f"{country.locale}.{random.getrandbits(28):07x}@example.com",
    }


def _digits(random: Random, pattern: str) -> str:
    count = pattern.count("#")
    digits = iter(f"{random.randrange(10**count):0{count}}")
    return "".join(next(digits) if sign == "#" else sign for sign in pattern)
