"""Rules and dashboards ask only for what the processes really export."""

import re
from pathlib import Path

import pytest

from tests.deploy.exposition import (
    Series,
    scrape_of_api,
    scrape_of_consumer,
    scrape_of_contexts,
    series_of,
)
from tests.deploy.files import (
    DASHBOARDS,
    GRAFANA,
    PROMETHEUS,
    ROOT,
    Expression,
    alerts,
    dashboard,
    dashboard_expressions,
    panels,
    recorded,
    rule_expressions,
    rules,
    yaml_of,
)
from tests.deploy.promql import Selector, grouping_labels, selectors

# What Prometheus itself adds, and what the blackbox exporter answers.
TARGET_LABELS = {"job", "instance", "component"}
PATRONI_LABELS = {"scope", "name"}
NOT_OURS = {"up", "probe_success", "ALERTS"}
EXPRESSIONS = [*rule_expressions(), *dashboard_expressions()]
SELECTORS = sorted({found for given in EXPRESSIONS for found in selectors(given.text)})
RUNBOOKS = (ROOT / "docs/runbooks.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def exported() -> dict[str, list[Series]]:
    by_name: dict[str, list[Series]] = {}
    for scrape in (scrape_of_api, scrape_of_consumer, scrape_of_contexts):
        for series in series_of(scrape()):
            by_name.setdefault(series.name, []).append(series)
    return by_name


def _known(metric: str, exported: dict[str, list[Series]]) -> bool:
    # Whether Patroni says what it is asked for is seen where it runs: tests/cluster.
    others = metric in NOT_OURS or metric.startswith("patroni_")
    return metric in exported or others or metric in recorded()


def _passes(selector: Selector, series: Series) -> bool:
    ours = [matcher for matcher in selector.matchers if matcher.label not in TARGET_LABELS]
    return all(matcher.admits(series.labels.get(matcher.label, "")) for matcher in ours)


@pytest.mark.parametrize("selector", SELECTORS, ids=str)
def test_each_selector_finds_a_series_that_a_process_exports(
    selector: Selector, exported: dict[str, list[Series]]
) -> None:
    assert _known(selector.metric, exported)
    if selector.metric in exported:
        assert any(_passes(selector, series) for series in exported[selector.metric])


@pytest.mark.parametrize("selector", SELECTORS, ids=str)
def test_each_matcher_names_a_label_that_the_metric_has(
    selector: Selector, exported: dict[str, list[Series]]
) -> None:
    for series in exported.get(selector.metric, ()):
        known = series.labels.keys() | TARGET_LABELS
        assert {matcher.label for matcher in selector.matchers} <= known


@pytest.mark.parametrize("given", EXPRESSIONS, ids=lambda given: given.place)
def test_each_expression_groups_by_labels_that_its_metrics_have(
    given: Expression, exported: dict[str, list[Series]]
) -> None:
    labels = TARGET_LABELS | PATRONI_LABELS
    for selector in selectors(given.text):
        labels |= {name for s in exported.get(selector.metric, ()) for name in s.labels}
        recording = [rule for rule in rules() if rule.get("record") == selector.metric]
        labels |= {name for rule in recording for name in grouping_labels(rule["expr"])}
    assert grouping_labels(given.text) <= labels


def test_each_job_that_is_asked_for_is_scraped() -> None:
    config = yaml_of(PROMETHEUS / "prometheus.yml")
    jobs = {job["job_name"] for job in config["scrape_configs"]}
    for selector in SELECTORS:
        for matcher in selector.matchers:
            if matcher.label == "job":
                assert any(matcher.admits(job) for job in jobs)


@pytest.mark.parametrize(
    "metric",
    [
        "order_service_messages_total",
        "order_service_dead_letters_total",
        "order_service_consumer_lag_messages",
        "order_service_consumer_paused_rejections",
        "order_service_batch_duration_seconds_sum",
        "order_service_cache_requests_total",
        "order_service_cache_circuit_open",
        "order_service_db_queries_total",
        "order_service_retries_total",
        "order_service_accounts_sign_ins_total",
        "order_service_accounts_revocations_age_seconds",
        "order_service_loyalty_overdue_seconds",
        "order_service_loyalty_answers_total",
        "order_service_accrual_calculated_total",
        "order_service_payments_answers_total",
        "order_service_purchases_unsettled_oldest_age_seconds",
        "order_service_purchase_settlement_seconds_bucket",
        "order_service_outbox_messages",
        "order_service_outbox_oldest_age_seconds",
        "order_service_inbox_messages_total",
    ],
)
def test_what_the_service_measures_is_on_a_dashboard(metric: str) -> None:
    shown = {found.metric for given in dashboard_expressions() for found in selectors(given.text)}
    assert metric in shown


@pytest.mark.parametrize("name", alerts())
def test_each_alert_tells_how_bad_it_is_what_it_means_and_what_to_do(name: str) -> None:
    alert = alerts()[name]
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert len(alert["annotations"]["summary"]) > 20
    assert len(alert["annotations"]["description"]) > 40
    assert alert["annotations"]["runbook_url"] == f"docs/runbooks.md#{name.lower()}"


@pytest.mark.parametrize("name", alerts())
def test_each_alert_has_its_section_in_the_runbooks(name: str) -> None:
    section = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", RUNBOOKS, re.MULTILINE | re.DOTALL)
    assert section, f"docs/runbooks.md has no section {name}"
    for part in ("**Means.**", "**Look.**", "**Do.**"):
        assert part in section[1]


def test_each_section_of_the_runbooks_is_about_an_alert() -> None:
    assert set(re.findall(r"^## (\w+)$", RUNBOOKS, re.MULTILINE)) == set(alerts())


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_each_panel_asks_a_question_and_explains_the_answer(path: Path) -> None:
    for panel in panels(path):
        assert panel["title"].endswith("?")
        assert len(panel["description"]) > 30


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_the_panels_fill_the_screen_without_overlap(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    shown = dashboard(path)["panels"]
    for panel in shown:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in shown}) == len(shown)


def test_the_dashboard_uses_the_data_source_that_is_provisioned() -> None:
    sources = yaml_of(GRAFANA / "provisioning/datasources/prometheus.yml")["datasources"]
    for path in DASHBOARDS:
        (variable,) = dashboard(path)["templating"]["list"]
        assert variable["current"]["value"] in {source["uid"] for source in sources}
        assert {panel["datasource"]["uid"] for panel in panels(path)} == {"${datasource}"}


def test_compose_gives_the_containers_the_files_that_are_there() -> None:
    services = yaml_of(ROOT / "docker-compose.yml")["services"]
    mounted = [m.split(":")[0] for s in services.values() for m in s.get("volumes", ())]
    local = [name for name in mounted if name.startswith("./")]
    assert len(local) >= 4
    assert all((ROOT / name).exists() for name in local)


def test_observability_and_the_gateway_are_profiles_and_the_rest_starts_without_one() -> None:
    services = yaml_of(ROOT / "docker-compose.yml")["services"]
    profiles = {name: service.get("profiles", []) for name, service in services.items()}
    watching = {name for name, chosen in profiles.items() if chosen == ["observability"]}
    assert watching == {"prometheus", "blackbox", "grafana"}
    separate = {name for name, chosen in profiles.items() if chosen == ["gateway"]}
    assert all(name == "gateway" or name.startswith("api-") for name in separate)
    assert not any(chosen for name, chosen in profiles.items() if name not in watching | separate)
