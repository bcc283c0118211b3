"""A real Prometheus asks a real server: every expression of the dashboard and of the alerts finds what it asks for."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sidewall
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from export.references import build_reference
from tests.fixtures.bundles import make_tiny_bundle, make_tiny_volume, reseal
from tests.fixtures.pages import table_rows
from tests.fixtures.processes import ServerProcess, TinyBundle, running_server
from tests.fixtures.tiny_series import write_tiny_series
from tests.integration.prometheus import MONITORING, Prometheus, running_prometheus, why_absent

pytestmark = pytest.mark.skipif(why_absent() is not None, reason=str(why_absent()))

DASHBOARD = json.loads((MONITORING / "grafana" / "sidewall.json").read_text())
ALERTS = {rule["alert"]: rule for rule in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]}
MAY_BE_EMPTY = {"Alerts that fire", "Gates that fired, per case of a week", "Nodes per case"}
"""What was found is told of 20 cases at once."""

ONLY_WITH_TLS = {"sidewall_certificate_days_left", "sidewall_certificate_valid"}
"""Metrics that a box without certificates does not have."""

OURS = re.compile(r"\b(?:sidewall|process)_[a-z_]+")


@dataclass(frozen=True)
class Watched:
    """A server that answered one case and refused another, and the Prometheus that saw it."""

    server: ServerProcess
    prometheus: Prometheus
    texts_of_case: tuple[str, ...]
    """What says which case it was: the caller's name for it, the UIDs, the folder."""


def bundle_with_reference(folder: Path) -> TinyBundle:
    """Make the tiny bundle with statistics of training cases: the tiny volume, made brighter from case to case."""
    key = Ed25519PrivateKey.generate()
    path = make_tiny_bundle(folder, key=key)
    volume, _ = make_tiny_volume()
    cases = [volume.with_voxels(volume.voxels + 20.0 * number) for number in range(6)]
    reseal(path, key, input_reference=build_reference(cases).to_mapping())
    return TinyBundle(path, folder / "keys")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    series = folder / "series"
    write_tiny_series(series)
    settings = {"SIDEWALL_METRICS_LISTEN": "127.0.0.1:0", "SIDEWALL_ENGINE_CACHE": str(folder / "engines")}
    bundle = bundle_with_reference(folder / "bundle")
    with running_server(bundle, folder, **settings) as server, sidewall.Client(server.address) as client:
        address = server.wait_for_entry(lambda entry: entry["event"] == "metrics")["address"]
        with running_prometheus(folder, address) as prometheus:
            prometheus.wait_for(lambda it: it.query("sidewall_cases_total"))
            options = sidewall.CaseOptions(case_id="ANNA-MILLER-7")
            case = client.analyze_series(series, options=options).findings["case"]
            with pytest.raises(sidewall.Refused):
                client.analyze_series(b"no image")
            prometheus.wait_for(lambda it: it.query("sum(sidewall_cases_total) == 2"))
            prometheus.wait_for(lambda it: all(rule["lastEvaluation"] > "1" for rule in rules_of(it)))
            yield Watched(server, prometheus, (*map(str, case.values()), str(series), "no image"))


def rules_of(prometheus: Prometheus) -> list[dict[str, Any]]:
    """Return the alert rules as Prometheus has them."""
    found: list[dict[str, Any]] = prometheus.get("rules")["groups"][0]["rules"]
    return found


def dashboard_queries() -> list[tuple[str, str]]:
    """Return title and expression of everything that the dashboard asks, for all boxes."""
    return [
        (panel["title"], target["expr"].replace("$instance", DASHBOARD["templating"]["list"][0]["allValue"]))
        for panel in DASHBOARD["panels"]
        for target in panel.get("targets", ())
    ]


def test_every_panel_of_the_dashboard_shows_something(watched: Watched) -> None:
    empty = []
    for title, expression in dashboard_queries():
        values = [float(series["value"][1]) for series in watched.prometheus.query(expression)]
        if title not in MAY_BE_EMPTY and not any(math.isfinite(value) for value in values):
            empty.append((title, expression))
    assert empty == []


def test_the_figures_are_those_of_the_two_cases(watched: Watched) -> None:
    for expression, expected in (
        ('sidewall_cases_total{outcome="answered"}', 1),
        ('sidewall_refusals_total{code="not_dicom"}', 1),
        ("sidewall_input_distance_ratio_count", 1),
        ("sidewall_case_nodes_sum", 0),
        ("sum(sidewall_fold_duration_seconds_count)", 2),
        ("sidewall_golden_case_passed", 1),
        ('sidewall_engines_total{source="built"}', 2),
    ):
        (series,) = watched.prometheus.query(expression)
        assert float(series["value"][1]) == expected, expression


def test_every_alert_is_loaded_and_evaluates(watched: Watched) -> None:
    rules = rules_of(watched.prometheus)
    assert [rule["name"] for rule in rules] == list(ALERTS)
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] != "ok"] == []
    for rule in ALERTS.values():
        watched.prometheus.query(rule["expr"])


def test_no_alert_and_no_panel_asks_for_a_metric_that_the_box_does_not_have(watched: Watched) -> None:
    present = set(watched.prometheus.get("label/__name__/values"))
    expressions = [*(rule["expr"] for rule in ALERTS.values()), *(query for _, query in dashboard_queries())]
    asked = {name for expression in expressions for name in OURS.findall(expression)}
    assert len(asked) > 20
    assert asked - present == ONLY_WITH_TLS


def test_the_page_names_the_labels_that_prometheus_sees(watched: Watched) -> None:
    series = watched.prometheus.get("series", **{"match[]": '{__name__=~"(sidewall|process)_.+"}'})
    seen: dict[str, set[str]] = {}
    for labels in series:
        name = re.sub("_(bucket|sum|count)$", "", labels["__name__"])
        seen.setdefault(name, set()).update(set(labels) - {"__name__", "instance", "job", "le"})
    told = {name: set(labels.split(", ")) - {""} for name, _, labels, *_ in table_rows("metrics.md", "Metrics")}
    assert seen == {name: labels for name, labels in told.items() if name not in ONLY_WITH_TLS}


def test_nothing_that_prometheus_keeps_says_which_case_it_was(watched: Watched) -> None:
    series = watched.prometheus.get("series", **{"match[]": '{__name__=~".+"}'})
    kept = json.dumps(series)
    assert "sidewall_cases_total" in kept
    for text in (*watched.texts_of_case, "ANNA", "MILLER", "positive", "negative", "/tmp"):
        assert text not in kept


def test_a_box_that_has_ended_is_noticed(watched: Watched) -> None:
    watched.server.process.terminate()
    assert watched.server.process.wait(60) == 0
    watched.prometheus.wait_for(lambda it: it.query('ALERTS{alertname="SidewallDown", alertstate="pending"}'))
