import io
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Event

import pytest
from click.testing import CliRunner

from producer.addresses import connection, settings
from producer.cli import main
from producer.files import messages_of
from producer.message import Message
from producer.pace import paced
from producer.record import Recorder
from producer.sender import Delivery, Tally

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def servers(environ: dict[str, str], option: str | None = None) -> list[str]:
    found: list[str] = connection(settings(environ), option)["bootstrap_servers"]
    return found


def test_the_broker_is_sought_from_the_option_down_to_this_machine() -> None:
    environ = {"KAFKA_BOOTSTRAP_SERVERS": "b:1, c:2"}
    assert servers({}) == ["localhost:9092"]
    write(".order-service/stack.env", "KAFKA_BOOTSTRAP_SERVERS=s:1\n")
    assert servers({}) == ["s:1"]
    write("elsewhere/stack.env", "KAFKA_BOOTSTRAP_SERVERS=e:1\n")
    assert servers({"ORDER_SERVICE_DATA_DIR": "elsewhere"}) == ["e:1"]
    write(".env", "KAFKA_BOOTSTRAP_SERVERS=d:1\n")
    assert servers({}) == ["d:1"]
    assert servers(environ) == ["b:1", "c:2"]
    assert servers(environ, "a:1") == ["a:1"]


def test_a_named_broker_gets_nothing_of_the_running_stack() -> None:
    stack = "KAFKA_BOOTSTRAP_SERVERS=s:1\nKAFKA_API_VERSION=2.3\nORDERS_TOPIC=t\n"
    write(".order-service/stack.env", stack)
    assert connection(settings({}), None)["api_version"] == (2, 3)
    assert settings({})["ORDERS_TOPIC"] == "t"
    named = settings({"KAFKA_BOOTSTRAP_SERVERS": "b:1"})
    assert connection(named, None) == {"bootstrap_servers": ["b:1"]}
    assert "ORDERS_TOPIC" not in named


def test_the_login_is_taken_from_the_environment() -> None:
    environ = {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "PLAIN",
        "KAFKA_SASL_USERNAME": "me",
        "KAFKA_SASL_PASSWORD": "pw",
        "KAFKA_SSL_CAFILE": "ca.pem",
        "KAFKA_SSL_KEYFILE": "",
    }
    assert connection(environ, "a:1") == {
        "bootstrap_servers": ["a:1"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "me",
        "sasl_plain_password": "pw",
        "ssl_cafile": "ca.pem",
    }


def test_the_canonical_sample_is_sent_as_the_bytes_that_it_is() -> None:
    path = ROOT / "tests/data/order.json"
    (message,) = messages_of(path)
    assert message.key == b"b563feb7b2b84b6test"
    assert message.value == path.read_bytes().strip()


@pytest.mark.parametrize(
    "text",
    [
        '[{"order_uid": "a"}, {"order_uid": "b"}]',
        '{"order_uid": "a"}\n\n{"order_uid": "b"}\n',
        '\ufeff{"order_uid": "a"}\r\n{"order_uid": "b"}',
    ],
)
def test_a_list_and_lines_are_one_message_each(text: str) -> None:
    messages = messages_of(write("orders.json", text))
    assert [message.key for message in messages] == [b"a", b"b"]
    assert [json.loads(message.value)["order_uid"] for message in messages] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "problem"), [("", "line|no order"), ("[]", "no order"), ("{}\nx", "line 2")]
)
def test_a_file_without_orders_is_refused_in_words(text: str, problem: str) -> None:
    path = write("orders.json", text)
    with pytest.raises(ValueError, match=problem):
        messages_of(path)


class Clock(Event):
    """A clock that only waiting moves on, and an event that is set at its end."""

    def __init__(self, end: float) -> None:
        super().__init__()
        self.time = 0.0
        self.end = end

    def __call__(self) -> float:
        return self.time

    def wait(self, timeout: float | None = None) -> bool:
        self.time += timeout or 0.0
        if self.time >= self.end:
            self.set()
        return self.is_set()


def test_a_rate_is_kept_until_the_stop() -> None:
    clock = Clock(end=10.05)
    assert len(list(paced(count(), 5, clock, clock))) == 50


def test_without_a_rate_nothing_waits() -> None:
    clock = Clock(end=1)
    assert list(paced(range(1000), 0, clock, clock)) == list(range(1000))
    assert clock.time == 0


def test_a_long_pause_is_caught_up_for_one_second_only() -> None:
    clock = Clock(end=1000)

    def seen() -> Iterator[float]:
        for number in paced(range(40), 10, clock, clock):
            clock.time += 60 if number == 0 else 0
            yield clock.time

    times = list(seen())
    assert sum(time < 60.2 for time in times) <= 14
    assert times[-1] == pytest.approx(62.9, abs=0.3)


def test_a_stop_ends_the_messages_at_once() -> None:
    clock = Clock(end=0)
    clock.set()
    assert list(paced(count(), 0, clock, clock)) == []


def test_the_tally_tells_refused_from_failed() -> None:
    tally = Tally()
    order = Message(b"a", b"1", valid=True, kind="order")
    large = Message(b"a", b"1", valid=False, kind="too_large")
    tally.count(order, Delivery(0, 1))
    tally.count(large, Delivery(0, 2))
    tally.count(large, Delivery(error="MessageSizeTooLargeError: no"))
    tally.count(large, Delivery(error="KafkaTimeoutError: no"))
    tally.count(order, Delivery(error="MessageSizeTooLargeError: no"))
    assert (tally.acknowledged, tally.invalid, tally.refused) == (2, 1, 1)
    assert tally.failed.total() == 2


def test_a_record_gives_back_the_exact_bytes_and_their_fate() -> None:
    file = io.StringIO()
    record = Recorder(file)
    record(Message(b"k", "Ж\n".encode(), valid=True, kind="order"), Delivery(3, 7))
    record(Message(b"k", b"\xff", valid=False, kind="bad_utf8"), Delivery(error="gone"))
    first, second = map(json.loads, file.getvalue().splitlines())
    assert (first["value"], first["acknowledged"]) == ("Ж\n", True)
    assert (first["partition"], first["offset"]) == (3, 7)
    assert (second["value_base64"], second["acknowledged"]) == ("/w==", False)
    assert (second["error"], second["valid"], second["kind"]) == ("gone", False, "bad_utf8")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--invalid", "0.6", "--changed", "0.6"], "more than 1 together"),
        (["--invalid", "1.5"], "not in the range"),
        (["--file", "orders.json", "--invalid", "0.1"], "no --invalid"),
        (["--file", "absent.json"], "does not exist"),
        (["--kind", "silly"], "is not one of"),
    ],
)
def test_bad_usage_is_refused_in_words_with_exit_code_2(arguments: list[str], problem: str) -> None:
    write("orders.json", "{}")
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert problem in result.output


def test_a_broken_file_is_refused_before_any_broker_is_asked() -> None:
    write("orders.json", "{}\n{")
    result = CliRunner().invoke(main, ["--file", "orders.json"])
    assert result.exit_code == 1
    assert "orders.json: line 2 is no JSON" in result.output


def test_an_unreachable_broker_is_told_in_words_within_ten_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    done = subprocess.run(
        [sys.executable, "-m", "producer", "--bootstrap-servers", f"127.0.0.1:{port}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert f"cannot reach Kafka at 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_help_shows_examples() -> None:
    assert (
        "  python -m producer --count 0 --rate 5\n" in CliRunner().invoke(main, ["--help"]).output
    )
