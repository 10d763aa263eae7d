import io
import json
import logging
import os
import pty
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from order_service.contexts.orders import CONTEXT as ORDERS
from order_service.infra.logging import configure_logging, get_logger
from order_service.infra.resources import bundled

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in ("kafka", "yoyo", "werkzeug")}
    yield
    for name, usual in levels.items():
        logging.getLogger(name).setLevel(usual)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = True
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def logged(level: str = "info", **keys: object) -> dict[str, Any]:
    stream = io.StringIO()
    configure_logging(level, "json", stream, masked_keys=ORDERS.masked_keys)
    get_logger("test").info("event", **keys)
    (line,) = lines_of(stream)
    return line


def test_a_json_line_has_time_level_logger_event_and_the_keys() -> None:
    line = logged(messages=5, share=0.5)
    when = datetime.fromisoformat(line.pop("timestamp"))
    assert when.utcoffset() == timedelta(0)
    expected = {"level": "info", "logger": "test", "event": "event", "messages": 5, "share": 0.5}
    assert line == expected


def test_records_of_libraries_come_out_in_the_same_form() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    logging.getLogger("psycopg.pool").warning("lost %s", "c1", extra={"pool": "p"})
    (line,) = lines_of(stream)
    assert line["event"] == "lost c1"
    assert line["pool"] == "p"
    assert (line["level"], line["logger"]) == ("warning", "psycopg.pool")


def test_python_warnings_become_records() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    assert "DeprecationWarning: old" in lines_of(stream)[0]["event"]


def test_kafka_is_quiet_below_warning() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    logging.getLogger("kafka.coordinator").info("joined")
    logging.getLogger("kafka.coordinator").warning("left")
    assert [line["event"] for line in lines_of(stream)] == ["left"]


def test_the_level_holds_for_us_and_for_libraries() -> None:
    stream = io.StringIO()
    configure_logging("error", "json", stream)
    get_logger("ours").warning("a")
    logging.getLogger("theirs").warning("b")
    logging.getLogger("kafka").warning("c")
    get_logger("ours").error("d")
    assert [line["event"] for line in lines_of(stream)] == ["d"]


def test_a_logger_made_before_the_configuration_follows_it() -> None:
    log = get_logger("early")
    for stream in (io.StringIO(), io.StringIO()):
        configure_logging("info", "json", stream)
        log.info("here")
        assert lines_of(stream)[0]["logger"] == "early"


def test_context_variables_are_part_of_each_line() -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        assert logged()["request_id"] == "r1"


def test_secrets_and_personal_data_are_masked_at_any_depth() -> None:
    line = logged(
        password="a1",
        redis_password="a2",
        Token="a3",
        fault={"email": "a4", "items": [{"phone": "a5"}]},
        delivery={"name": "a6"},
        order="a7",
        url="redis://me:a8@host:1/0",
    )
    assert not [secret for secret in (f"a{n}" for n in range(1, 9)) if secret in json.dumps(line)]
    assert line["url"] == "redis://me:***@host:1/0"


def test_counts_stay_under_any_key() -> None:
    assert logged(orders=500, token=None)["orders"] == 500


def test_the_row_that_postgres_quotes_is_masked() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    error = ValueError("violates check\nDETAIL:  Failing row contains (Test Testov).")
    try:
        raise error
    except ValueError:
        get_logger("test").exception("refused", reason=error)
        logging.getLogger("theirs").exception("refused")
    assert "Testov" not in stream.getvalue()
    assert all("violates check" in line["exception"] for line in lines_of(stream))


def test_what_json_cannot_say_is_logged_as_its_representation() -> None:
    line = logged(raw=b"\xff", where=Path("a"), odd="\ud800", script="Ж")
    assert line["raw"] == "b'\\xff'"
    assert (line["where"], line["odd"], line["script"]) == ("PosixPath('a')", "\ud800", "Ж")


def test_a_line_break_in_a_value_does_not_forge_a_line() -> None:
    assert logged(uid='x\n{"event": "forged"}')["uid"] == 'x\n{"event": "forged"}'


def test_a_closed_stream_is_no_error() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    stream.close()
    get_logger("test").error("lost")


def test_a_record_that_cannot_be_rendered_is_no_error() -> None:
    circle: list[object] = []
    circle.append(circle)
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    get_logger("test").info("circle", circle=circle)
    logging.getLogger("theirs").info("%d", "no number")
    get_logger("test").info("next")
    assert lines_of(stream)[-1]["event"] == "next"


PROGRAM = """
    from order_service.infra.logging import configure_logging, get_logger
    configure_logging("info", "auto")
    for number in range(5000):
        get_logger("test").info("line", number=number, padding="x" * 100)
"""


def run(stderr: Any, **environ: str) -> int:  # noqa: ANN401  what subprocess takes
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        stderr=stderr,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environ},
        check=False,
        timeout=60,
    ).returncode


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_neither_stops_the_process_nor_spoils_its_exit_code() -> None:
    with Path("/dev/full").open("wb") as full:
        assert run(full) == 0


def test_a_reader_that_went_away_does_not_stop_the_process() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    assert run(writer) == 0
    os.close(writer)


def read(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_the_console_form_masks_exceptions_too() -> None:
    stream = io.StringIO()
    configure_logging("info", "console", stream)
    error = ValueError("bad\nDETAIL:  Failing row contains (Test Testov).")
    try:
        raise error
    except ValueError:
        get_logger("test").exception("refused")
    assert "Traceback" in stream.getvalue()
    assert "Testov" not in stream.getvalue()


def test_a_terminal_gets_readable_lines_and_a_file_gets_json(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        assert run(file) == 0
    assert [json.loads(line)["number"] for line in read(tmp_path / "log")] == list(range(5000))
    ours, theirs = pty.openpty()
    os.set_blocking(theirs, False)  # the terminal's buffer is small, and nobody reads meanwhile
    assert run(theirs) == 0
    seen = os.read(ours, 4000)
    os.close(ours)
    os.close(theirs)
    assert b"\x1b[" in seen
    assert b"line" in seen


def test_what_travels_with_the_code_is_found_in_a_checkout() -> None:
    assert bundled("config.yml").read_text(encoding="utf-8").startswith("# Settings")
    with pytest.raises(FileNotFoundError, match="nonsense"):
        bundled("nonsense")
