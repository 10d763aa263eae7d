"""`order-service loyalty import-orders`: what is taken, what is refused, and that twice is once."""

import uuid
from pathlib import Path

from click.testing import CliRunner, Result

from order_service.bootstrap.contexts import installed
from order_service.cli import main
from order_service.contexts.loyalty.numbers_postgres import PostgresNumbers
from order_service.infra.luhn import check_digit
from tests.backends import Environ
from tests.builders import ROOT

ME, OTHER = uuid.uuid4(), uuid.uuid4()


def run(environ: Environ, file: Path) -> Result:
    names = {"ORDER_SERVICE_CONFIG": str(ROOT / "config.yml"), "LOG_LEVEL": "error"}
    arguments = ["loyalty", "import-orders", str(file)]
    return CliRunner().invoke(main, arguments, obj=installed(), env={**environ, **names})


def test_a_file_is_taken_once(
    shared_database: Environ, numbers: PostgresNumbers, tmp_path: Path
) -> None:
    file = tmp_path / "numbers.csv"
    orders = [f"{payload}{check_digit(str(payload))}" for payload in range(10_000, 12_500)]
    file.write_text("# owner,number\n\n" + "".join(f"{ME},{order}\n" for order in orders))
    first = run(shared_database, file)
    assert first.exit_code == 0, first.output
    assert "2500 new, 0 known before, 0 refused" in first.output
    assert "0 new, 2500 known before, 0 refused" in run(shared_database, file).output
    assert {each.number for each in numbers.of(ME, None, None)} == set(orders)


def test_what_cannot_be_taken_is_told_by_its_line(
    shared_database: Environ, numbers: PostgresNumbers, tmp_path: Path
) -> None:
    numbers.add(OTHER, "26")
    file = tmp_path / "numbers.csv"
    file.write_bytes(f"{ME},18\n{ME},19\nme,18\n{ME}\n{ME}, 26\n".encode() + b"\xff,18\n")
    result = run(shared_database, file)
    assert result.exit_code == 3
    assert "1 new, 0 known before, 5 refused" in result.output
    for told in (
        "line 2: this is no number of an order",
        "line 3: the owner is no UUID",
        "line 4: is not owner,number",
        "line 5: somebody else has this number",
        "line 6: the owner is no UUID",
    ):
        assert told in result.output
