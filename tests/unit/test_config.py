import json
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from order_service.bootstrap.contexts import installed
from order_service.config import ConfigError, Schema, Secret, SecretUrl, redacted
from order_service.contexts.orders.settings import OrdersSettings

load_config = installed().load_config
KEYS = Schema(installed().sections).keys
DEFAULTS = Schema(installed().sections).build({})
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def faults_of(document: str = "", **environ: str) -> list[str]:
    Path("config.yml").write_text(document, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(environ=environ)
    return str(caught.value).splitlines()


def test_without_file_and_environment_the_defaults_hold() -> None:
    assert load_config(environ={}) == DEFAULTS


def test_config_yml_names_every_key_with_its_default() -> None:
    documented = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
    assert documented == redacted(DEFAULTS)
    assert load_config(ROOT / "config.yml", environ={}).file == ROOT / "config.yml"


def test_config_yml_lists_the_keys_in_the_order_of_their_definition() -> None:
    documented = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
    assert json.dumps(documented) == json.dumps(redacted(DEFAULTS))


def test_each_key_of_config_yml_is_explained_or_continues_an_explained_one() -> None:
    lines = (ROOT / "config.yml").read_text(encoding="utf-8").splitlines()
    leaves = [number for number, line in enumerate(lines) if line.startswith("  ") and ": " in line]
    explained = [n for n in leaves if lines[n - 1].lstrip().startswith("#")]
    assert len(explained) >= 0.9 * len(KEYS)


def test_every_default_lies_within_its_own_range() -> None:
    for key in KEYS:
        if not key.secret:
            assert key.from_value(key.default) == key.default


def test_no_two_keys_share_an_environment_variable() -> None:
    assert len({key.variable for key in KEYS}) == len(KEYS)


def test_the_environment_overrides_env_file_which_overrides_config_yml() -> None:
    Path("config.yml").write_text("http: {port: 1, threads: 1, workers: 5}", encoding="utf-8")
    Path(".env").write_text("HTTP_PORT=2\nHTTP_THREADS=2\n", encoding="utf-8")
    http = load_config(environ={"HTTP_PORT": "3"}).http
    assert (http.port, http.threads, http.workers) == (3, 2, 5)


def test_a_dollar_sign_in_the_env_file_is_a_dollar_sign() -> None:
    Path(".env").write_text("POSTGRES_PASSWORD=a${HOME}b\n", encoding="utf-8")
    assert load_config(environ={}).postgres.password.reveal() == "a${HOME}b"


def test_an_explicit_file_is_preferred_to_the_named_one_and_that_to_config_yml() -> None:
    for name, port in (("a.yml", 1), ("b.yml", 2), ("config.yml", 3)):
        Path(name).write_text(f"http: {{port: {port}}}", encoding="utf-8")
    environ = {"ORDER_SERVICE_CONFIG": "b.yml"}
    assert load_config(Path("a.yml"), environ).http.port == 1
    assert load_config(None, environ).http.port == 2
    assert load_config(None, {}).http.port == 3


def test_numbers_words_and_booleans_are_read_from_the_environment() -> None:
    environ = {
        "KAFKA_RETRY_MAX_DELAY": "7",
        "LOG_LEVEL": "WARNING",
        "KAFKA_CREATE_TOPICS": "no",
        "KAFKA_SASL_MECHANISM": "scram-sha-512",
    }
    config = load_config(environ=environ)
    assert config.kafka.retry.max_delay == 7.0
    assert config.log.level == "warning"
    assert config.kafka.create_topics is False
    assert config.kafka.sasl.mechanism == "SCRAM-SHA-512"


def test_an_empty_variable_clears_a_text_and_leaves_a_number_alone() -> None:
    Path("config.yml").write_text("redis: {url: redis://a}\nhttp: {port: 1}", encoding="utf-8")
    config = load_config(environ={"REDIS_URL": "", "HTTP_PORT": ""})
    assert not config.redis.url
    assert config.http.port == 1


def test_an_empty_section_or_key_asks_for_the_defaults() -> None:
    Path("config.yml").write_text("http:\nredis:\n  timeout:\n", encoding="utf-8")
    assert load_config(environ={}).redis == DEFAULTS.redis


def test_all_faults_of_all_sources_are_listed_at_once() -> None:
    document = "http: {prot: 1, port: 0}\nordres: {}\norders: 5\nlog: {format: loud}"
    from_variable = " (from environment variable {})"
    assert faults_of(document, ORDERS_BATCH_MESSAGES="x", ORDERS_REJECTION_LIMIT="nan") == [
        "http.prot: unknown key, did you mean http.port? (from config.yml, line 1)",
        "http.port: expected an integer >= 1 and <= 65535, got 0 (from config.yml, line 1)",
        "ordres: unknown key, did you mean orders? (from config.yml, line 2)",
        "orders: expected a section with keys, got 5 (from config.yml, line 3)",
        "log.format: expected one of auto, console, json, got 'loud' (from config.yml, line 4)",
        "orders.batch_messages: expected an integer >= 1 and <= 100000, got 'x'"
        + from_variable.format("ORDERS_BATCH_MESSAGES"),
        "orders.rejection_limit: expected a number >= 0 and <= 1, got 'nan'"
        + from_variable.format("ORDERS_REJECTION_LIMIT"),
    ]


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("- 1", "config.yml: expected a section with keys, got [1]"),
        ("a: [", "config.yml: cannot be read (line 1:"),
        ("http: {port: true}", "http.port: expected an integer"),
        ("http: {port: 80.5}", "http.port: expected an integer"),
        ("kafka: {api_version: 2.3}", "kafka.api_version: expected a string"),
        ("orders: {topic: 'a b'}", "orders.topic: expected a string"),
        ("orders: {cache: {ttl: .inf}}", "orders.cache.ttl: expected a number"),
        ("local_ttl: 1", "local_ttl: unknown key, did you mean orders.cache.local_ttl?"),
        ("http: {8080: x}", "http.8080: unknown key"),
        ("kafka: {retry: {base_delay: 11}}", "kafka.retry.base_delay: is more than"),
        ("orders: {max_message_bytes: 9000000}", "orders.max_message_bytes: expected an integer"),
        ("orders: {dead_letter_topic: orders}", "orders.dead_letter_topic: is the topic of"),
        ("kafka: {session_timeout: 301}", "kafka.session_timeout: expected a number"),
        ("contexts: {enabled: 'orders,nowhere'}", "contexts.enabled: there is no nowhere"),
        ("kafka: {ssl_certfile: a}", "kafka.ssl_keyfile: is needed"),
    ],
)
def test_a_bad_document_is_refused_in_words(document: str, fault: str) -> None:
    assert [line for line in faults_of(document) if line.startswith(fault)]


def test_sasl_without_its_login_is_refused() -> None:
    assert [line.split(" (")[0] for line in faults_of(KAFKA_SECURITY_PROTOCOL="sasl_ssl")] == [
        "kafka.sasl.mechanism: is needed for SASL_SSL",
        "kafka.sasl.username: is needed for SASL_SSL",
    ]


def test_a_file_that_is_missing_or_not_utf8_is_a_fault() -> None:
    Path("latin.yml").write_bytes(b"log: {level: \xe4}")
    for name in ("absent.yml", "latin.yml"):
        with pytest.raises(ConfigError, match=f"{name}: cannot be read"):
            load_config(Path(name), {})


def test_a_fault_never_quotes_a_secret() -> None:
    lines = faults_of("postgres:\n  password: 12345678", REDIS_URL="hunter2@host")
    assert len(lines) == 2
    assert "12345678" not in str(lines)
    assert "hunter2" not in str(lines)
    assert "hunter2" not in str(faults_of("postgres: {password: 'hunter2}"))


def test_misspelled_variables_are_warned_about_and_foreign_ones_ignored() -> None:
    environ = {"ORDERS_TOPICS": "x", "KAFKA_HEAP_OPTS": "x", "HTTP_PROXY": "x", "PATH": "x"}
    assert load_config(environ=environ).warnings == (
        "ORDERS_TOPICS is no setting: did you mean ORDERS_TOPIC?",
    )


def test_settings_of_version_1_0_are_taken_under_their_old_names_or_told_to_have_no_effect() -> (
    None
):
    Path("config.yml").write_text("kafka: {topic: a, batch: {lanes: 3}}", encoding="utf-8")
    config = load_config(environ={"CACHE_TTL": "7", "KAFKA_GROUP_ID": "b", "HTTP_BACKLOG": "1"})
    settings = config.of(OrdersSettings)
    assert (settings.topic, settings.cache.ttl, settings.group_id) == ("a", 7.0, "b")
    assert sorted(config.warnings) == [
        "CACHE_TTL is called ORDERS_CACHE_TTL now",
        "HTTP_BACKLOG is no setting any more: it has no effect",
        "KAFKA_GROUP_ID is called ORDERS_GROUP_ID now",
        "kafka.batch.lanes is no setting any more: it has no effect",
        "kafka.topic is called orders.topic now",
    ]


def test_whoever_named_the_port_of_the_replica_is_told_where_it_goes() -> None:
    config = load_config(environ={"POSTGRES_READ_PORT": "5433"})
    assert config.warnings == (
        "POSTGRES_READ_PORT is no setting any more: postgres.read_host takes it, as host:port",
    )


def test_the_name_of_today_wins_over_an_old_one() -> None:
    for environ in (
        {"KAFKA_TOPIC": "old", "ORDERS_TOPIC": "new"},
        {"ORDERS_TOPIC": "new", "KAFKA_TOPIC": "old"},
    ):
        assert load_config(environ=environ).of(OrdersSettings).topic == "new"


def test_every_key_of_the_config_yml_of_version_1_0_is_known() -> None:
    document = (ROOT / "tests/data/config-1.0.yml").read_text(encoding="utf-8")
    Path("config.yml").write_text(document, encoding="utf-8")
    config = load_config(environ={})
    # The document names every key, so these are what was the default then.
    replace = msgspec.structs.replace
    patient = replace(DEFAULTS.postgres.retry, max_delay=10.0)
    defaults = replace(
        DEFAULTS,
        http=replace(DEFAULTS.http, threads=8),
        postgres=replace(DEFAULTS.postgres, retry=patient),
    )
    assert redacted(config) == redacted(defaults)
    assert len(config.warnings) > 20


def test_a_kubernetes_service_link_is_no_port() -> None:
    config = load_config(environ={"POSTGRES_PORT": "tcp://10.0.0.1:5432"})
    assert config.postgres.port == 5432
    assert "Kubernetes" in config.warnings[0]


def test_addresses_that_a_command_needs_are_asked_for_together() -> None:
    config = load_config(environ={"POSTGRES_HOST": "db"})
    assert config.missing("postgres", "redis", "kafka") == ("redis.url", "kafka.bootstrap_servers")
    config.require("postgres")
    with pytest.raises(ConfigError) as caught:
        config.require("postgres", "redis", "kafka")
    assert str(caught.value).splitlines() == [
        "redis.url: is not set (set it in config.yml or in REDIS_URL)",
        "kafka.bootstrap_servers: is not set (set it in config.yml or in KAFKA_BOOTSTRAP_SERVERS)",
    ]


def test_secrets_show_in_no_print_of_the_configuration() -> None:
    environ = {
        "POSTGRES_PASSWORD": "hunter2",
        "POSTGRES_ADMIN_PASSWORD": "hunter2",
        "KAFKA_SASL_PASSWORD": "hunter2",
        "REDIS_URL": "rediss://me:hunter2@cache:6379/0?password=hunter2",
    }
    config = load_config(environ=environ)
    shown = redacted(config)
    assert "hunter2" not in f"{config!r}{config}{json.dumps(shown)}"
    assert shown["redis"]["url"] == "rediss://me:***@cache:6379/0?password=***"
    assert shown["postgres"]["password"] == "***"
    assert config.postgres.password.reveal() == "hunter2"
    assert config.redis.url.reveal() == environ["REDIS_URL"]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_password_of_any_characters_is_masked_in_a_url(password: str) -> None:
    url = SecretUrl(f"redis://:{password}@cache:6379/0")
    assert str(url) == "redis://:***@cache:6379/0"


def test_secrets_compare_by_text_and_an_empty_one_is_false() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
    assert Secret("a") != "a"
    assert not Secret("")
    assert str(Secret("")) == ""
