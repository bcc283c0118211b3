"""What Prometheus and Grafana are given: valid, tested, and documented."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from fleet.channels.content import Holds
from fleet.inventory.exporting import FleetCollector
from gateway.intake.counting import Counts
from gateway.ledger.database import sqlite_url
from gateway.ledger.ledger import Ledger
from gateway.metrics import LedgerCollector
from runtime.serving.metrics import Metrics
from tests.fixtures.pages import table_rows

REPOSITORY = Path(__file__).parents[2]
MONITORING = REPOSITORY / "docker" / "monitoring"
DASHBOARD = json.loads((MONITORING / "grafana" / "sidewall.json").read_text())
ALERTS = [
    rule for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
RULE_TESTS = sorted((REPOSITORY / "tests" / "docker" / "monitoring").glob("*_test.yml"))

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="Debian's package prometheus: not installed"
)


def promtool(*arguments: str | Path) -> None:
    """Run it; its output is the message of a failure."""
    command = ["promtool", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_configuration_and_rules_are_valid() -> None:
    promtool("check", "config", MONITORING / "prometheus.yml")


@needs_promtool
def test_the_configuration_for_tls_is_valid_and_differs_in_how_the_gateway_is_asked_alone(tmp_path: Path) -> None:
    plain, with_tls = (
        yaml.safe_load((MONITORING / name).read_text()) for name in ("prometheus.yml", "tls/prometheus.yml")
    )
    engine, gateway = with_tls["scrape_configs"]
    assert gateway.pop("scheme") == "https"
    for file in gateway.pop("tls_config").values():
        if file.startswith("tls/"):
            (tmp_path / "tls").mkdir(exist_ok=True)
            (tmp_path / file).touch()
    assert with_tls | {"scrape_configs": [engine, gateway]} == plain
    for name in ("alerts.yml", "tls/prometheus.yml"):
        shutil.copy(MONITORING / name, tmp_path)
    promtool("check", "config", tmp_path / "prometheus.yml")


@needs_promtool
def test_every_alert_fires_where_it_should_and_nowhere_else() -> None:
    tested = {
        case["alertname"]
        for file in RULE_TESTS
        for group in yaml.safe_load(file.read_text())["tests"]
        for case in group["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert tested == {rule["alert"] for rule in ALERTS}
    promtool("test", "rules", *RULE_TESTS)


def test_the_page_lists_every_metric_with_its_type_and_no_other() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    shown = {
        (metric.name + ("_total" if metric.type == "counter" else ""), metric.type) for metric in registry.collect()
    }
    assert {(name, kind) for name, kind, *_ in table_rows("metrics.md", "Metrics")} == shown


def test_the_page_lists_every_metric_of_the_gateway_with_its_type_and_no_other(tmp_path: Path) -> None:
    ledger = Ledger(sqlite_url(tmp_path / "ledger.sqlite"), "test")
    try:
        collector = LedgerCollector(ledger, Counts(), lambda: 0, 0, lambda: None, dict)
        shown = {(each.name + ("_total" if each.type == "counter" else ""), each.type) for each in collector.collect()}
    finally:
        ledger.close()
    assert {(name, kind) for name, kind, *_ in table_rows("metrics.md", "Metrics of the gateway")} == shown


def test_the_page_lists_every_metric_of_a_fleet_with_its_type_and_no_other() -> None:
    collector = FleetCollector([], Holds(), datetime(2027, 1, 1, tzinfo=UTC))
    shown = {(each.name, each.type) for each in collector.collect()}
    assert {(name, kind) for name, kind, *_ in table_rows("metrics.md", "Metrics of a fleet")} == shown


def test_the_page_says_what_to_do_about_every_alert() -> None:
    rows = table_rows("metrics.md", "Alerts")
    assert [row[:2] for row in rows] == [[rule["alert"], rule["labels"]["severity"]] for rule in ALERTS]
    assert all(row[3] for row in rows)


def test_the_dashboard_asks_the_provisioned_source_and_has_one_id_per_panel() -> None:
    (source,) = yaml.safe_load((MONITORING / "grafana" / "datasource.yaml").read_text())["datasources"]
    uids = {target["datasource"]["uid"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())}
    assert uids == {source["uid"]}
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_no_two_panels_of_the_dashboard_overlap_and_each_says_what_it_shows() -> None:
    taken = set[tuple[int, int]]()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["type"] == "row" or panel["description"]


def test_nothing_about_results_of_single_cases_is_asked_for() -> None:
    everything = "".join(path.read_text() for path in MONITORING.rglob("*") if path.is_file())
    assert re.search(r"case_id|patient_|study_uid", everything) is None
