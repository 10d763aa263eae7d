"""The benchmarks: their arithmetic, their report, and that those with cheap servers run."""

import importlib
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks import __main__ as everything
from benchmarks import golang, history, report
from benchmarks.baselines.validation import validate
from benchmarks.client import Client, summary
from benchmarks.harness import QUICK, TIMES, Row, alternate, at_least, at_most, figure
from benchmarks.orders import samples
from benchmarks.pace import latencies_of, with_waits
from order_service.contexts.orders.decode import decode


def _row(ours: list[float], theirs: list[float], *, reduced: bool = False) -> Row:
    return Row("what", "other", at_least(2), ours, theirs, "1/s", "conditions", reduced)


def test_both_sides_take_turns_after_a_run_that_does_not_count() -> None:
    turns: list[str] = []

    def side(name: str) -> float:
        turns.append(name)
        return len(turns)

    figures = alternate(lambda: side("A"), lambda: side("B"), 2)
    assert "".join(turns) == "ABABAB"
    assert figures == ([3, 5], [4, 6])


def test_the_verdict_is_on_the_median_of_the_ratios_of_pairs() -> None:
    row = _row([10, 30, 90], [5, 10, 90])
    assert row.judged == [2, 3, 1]
    assert row.value == 2
    assert row.spread == "1.00 to 3.00"
    assert row.verdict == "met"


def test_a_goal_that_is_missed_or_reached_at_a_smaller_size_is_said_so() -> None:
    assert _row([1], [1]).verdict == "**not met**"
    assert _row([2], [1], reduced=True).verdict == "met (reduced size)"


def test_a_figure_without_a_rival_is_judged_itself() -> None:
    row = Row("start", "", at_most(5, "s"), [4, 5, 6], (), "s", "conditions")
    assert row.value == 5
    assert row.verdict == "met"


@pytest.mark.parametrize(
    ("value", "text"), [(12345.6, "12,346"), (12.34, "12.3"), (1.234, "1.23"), (0.1234, "0.123")]
)
def test_numbers_have_the_digits_they_deserve(value: float, text: str) -> None:
    assert figure(value) == text


def test_a_line_that_could_not_be_measured_says_why() -> None:
    row = Row("what", "Go", at_least(2), (), (), "", "", skipped="Go is not installed")
    (line,) = [each for each in report.table([row]) if each.startswith("| 1.")]
    assert line == f"| 1. what | Go | ≥ 2 {TIMES} |  |  |  |  | skipped: Go is not installed |"


@pytest.mark.parametrize("name", ["go_ingest", "go_lookups"])
def test_without_go_the_lines_against_go_are_skipped(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.golang.shutil.which", lambda _: None)
    golang.built.cache_clear()
    rows = importlib.import_module(f"benchmarks.{name}").run(QUICK)
    assert {row.verdict for row in rows} == {"skipped: Go is not installed"}


def test_two_runs_are_compared_by_their_ratios_line_by_line(tmp_path: Path) -> None:
    alone = Row("only in one", "", at_most(5, "s"), [4], (), "s", "conditions")
    before = history.write(["fact"], [_row([2, 4, 6], [1, 2, 3]), alone], tmp_path)
    after = before.with_name("after.json")
    history.write(["fact"], [_row([8, 8, 9], [2, 2, 2])], tmp_path).rename(after)
    lines = list(history.compare(history.load(str(before)), history.load(str(after))))
    assert (
        "| what | other | 2.00 | 4.00 | 2.00 | 2.00 to 2.00 | 4.00 to 4.50 | met → met |" in lines
    )
    assert any(line.startswith("| only in one |  | only in A") for line in lines)


def test_a_change_within_the_spread_is_said_to_be_so(tmp_path: Path) -> None:
    run = history.load(str(history.write([], [_row([2, 3], [1, 1])], tmp_path)))
    (line,) = [line for line in history.compare(run, run) if line.startswith("| what | other")]
    assert "1.00 (spreads overlap)" in line


def test_the_newest_run_of_a_revision_is_found_by_its_beginning(tmp_path: Path) -> None:
    for name, commit in (("20260101T000000Z", "old"), ("20260102T000000Z", "new")):
        (tmp_path / f"{name}-0123456789ab.json").write_text(json.dumps({"commit": commit}))
    assert history.load("0123456789", tmp_path)["commit"] == "new"
    with pytest.raises(LookupError, match="no run of fedcba"):
        history.load("fedcba", tmp_path)


def test_the_report_replaces_only_what_stands_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"above\n{report.BEGIN}\nold\n{report.END}\nbelow\n")
    for fact in ("first", "second"):
        report.write(page, report.document([fact], [_row([4], [2])], ["broken: why"]))
    text = page.read_text()
    assert text.startswith("above\n")
    assert text.endswith("\nbelow\n")
    ratio = f"2.00 {TIMES}"
    assert f"| 1. what | other | ≥ 2 {TIMES} | 4.00 1/s | 2.00 1/s | {ratio} |" in text
    assert "broken: why" in text
    assert "- second" in text
    assert "old" not in text
    assert "first" not in text


def test_the_page_has_the_markers() -> None:
    text = report.PERFORMANCE.read_text()
    assert text.index(report.BEGIN) < text.index(report.END)


def test_samples_are_valid_orders_with_ids_of_their_own() -> None:
    found = list(samples(6_000))
    assert len({uid for uid, _ in found}) == 6_000
    for uid, body in found[::1_000]:
        assert decode(body).order_uid == uid
        validate(json.loads(body))


@pytest.mark.parametrize("part", ["track_number", "payment", "items"])
def test_the_plain_validation_refuses_an_order_without_a_part(part: str) -> None:
    order = json.loads(next(samples(1)).body)
    del order[part]
    with pytest.raises(ValueError, match=part):
        validate(order)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        found = self.path != "/missing"
        self.send_response(200 if found else 404)
        body = b"x" * (100_000 if self.path == "/large" else 10)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_the_client_asks_exactly_as_often_as_its_rate_says(port: int) -> None:
    with closing(Client(port, ["/small", "/large"], 4)) as client:
        load = client.run(0.2, rate=100)
    assert load.requests == 20
    assert 0 < load.p50 <= load.p99


def test_the_client_asks_as_often_as_it_is_told(port: int) -> None:
    with closing(Client(port, ["/small"], 1)) as client:
        assert client.run_all(7).requests == 7


def test_the_client_does_not_count_failures_as_answers(port: int) -> None:
    client = Client(port, ["/missing"], 1)
    with closing(client), pytest.raises(RuntimeError, match="404"):
        client.run_all(1)


def test_latencies_are_summed_up_as_percentiles() -> None:
    load = summary([number / 1000 for number in range(1, 101)], elapsed=2.0)
    assert load == (50.0, 51.0, 100.0, 100)


def test_what_was_sent_in_the_lead_does_not_count() -> None:
    log = "1000000\t200\t900\n1999999\t200\t800\n2000000\t200\t700\n"
    assert latencies_of(log) == [0.0007]


def test_a_load_with_a_refusal_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="1 of 2 requests failed"):
        latencies_of("1000000\t200\t900\n3000000\t503\t800\n")


def test_who_waits_for_an_answer_before_counts_too() -> None:
    assert list(with_waits([0.25, 0.75], 0.5)) == [0.25, 0.75, 0.25]


@pytest.mark.parametrize("name", ["validation", "warm_up", "lookup_hit"])
def test_a_benchmark_runs(name: str) -> None:
    rows = importlib.import_module(f"benchmarks.{name}").run(QUICK)
    assert rows
    for row in rows:
        assert row.conditions
        assert len(row.ours) == len(row.theirs) == QUICK.pairs
        assert min(*row.ours, *row.theirs) > 0


def test_every_benchmark_can_be_named() -> None:
    for name in everything.NAMES:
        assert callable(importlib.import_module(f"benchmarks.{name}").run)


def test_a_benchmark_that_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> list[Row]:
        raise OSError("no such thing")

    monkeypatch.setattr("benchmarks.cold_start.run", fail)
    monkeypatch.setattr("benchmarks.memory.run", lambda _: [_row([2], [1])])
    rows, failures = everything.measure(["cold_start", "memory"], QUICK)
    assert [row.verdict for row in rows] == ["met"]
    assert failures == ["cold_start: OSError: no such thing"]
