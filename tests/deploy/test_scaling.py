"""The capacity model computes what its document shows."""

import runpy
import subprocess
import sys
from collections.abc import Callable
from typing import Any, cast

import pytest

from tests.deploy.files import ROOT

SCRIPT = ROOT / "deploy/capacity.py"
DOCUMENT = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
MODEL = runpy.run_path(str(SCRIPT), run_name="capacity")
Compute = Callable[[float, dict[str, float]], Any]
need = cast("Compute", MODEL["need"])
INPUTS = cast("dict[str, float]", MODEL["inputs_of"](DOCUMENT))


def test_the_steps_in_the_document_follow_from_its_inputs() -> None:
    assert MODEL["updated"](DOCUMENT) == DOCUMENT, "run: python deploy/capacity.py --write"


def test_every_input_is_a_positive_figure_that_the_model_uses() -> None:
    source = SCRIPT.read_text(encoding="utf-8")
    assert len(INPUTS) >= 20
    for name, value in INPUTS.items():
        assert value > 0
        assert f'given["{name}"]' in source


@pytest.mark.parametrize("name", INPUTS)
def test_no_input_may_be_missing(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        need(1000, {key: value for key, value in INPUTS.items() if key != name})


@pytest.mark.parametrize("name", ["consumers", "postgres_cores", "api_processes", "redis_gb"])
def test_a_hundredfold_load_takes_about_a_hundred_times_as_much(name: str) -> None:
    small, large = (getattr(need(rate, INPUTS), name) for rate in (20_000, 2_000_000))
    assert 50 * small <= large <= 100 * small


def test_consumers_have_partitions_to_grow_into() -> None:
    for rate in (1, 1_000, 100_000):
        found = need(rate, INPUTS)
        assert found.partitions >= 2 * found.consumers
        assert found.brokers >= 3


def test_shares_of_lookups_are_shares() -> None:
    assert INPUTS["local_share"] + INPUTS["miss_share"] <= 1


def test_the_command_computes_other_rates() -> None:
    command = [sys.executable, str(SCRIPT), "3000", "7500"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.startswith("| orders/s at the peak | 3,000 | 7,500 |\n")
