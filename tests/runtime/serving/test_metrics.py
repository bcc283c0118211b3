"""What is counted, from made-up endings, progress and machines."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry
from sidewall.vocabulary import CaseStatus

from base.errors import ServerBusy, ServerUnreachable, SettingInvalid, SidewallError
from core.errors import AnalysisCancelled, CaseRefused, Reason, RefusalCode
from core.findings import Gate, RefusalReason
from core.progress import Progress as At
from core.progress import SilentMonitor
from runtime.analysis.worker import WorkerState
from runtime.serving.machine import device_of, memory_limit_bytes
from runtime.serving.metrics import Metrics
from runtime.serving.timing import TimedMonitor
from tests.core.results import FINDINGS

ALL_MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


def shown(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Return one sample as a scrape would show it; None when it would not."""
    return metrics.registry.get_sample_value(name, labels)


def risen(metrics: Metrics, name: str) -> dict[str, float]:
    """Return the samples of a name that are not 0, by the value of their one label."""
    samples = [sample for metric in metrics.registry.collect() for sample in metric.samples if sample.name == name]
    return {next(iter(sample.labels.values())): sample.value for sample in samples if sample.value}


def all_samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return everything that a scrape would show but what belongs to the process and the clock."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in metrics.registry.collect()
        for sample in metric.samples
        if not sample.name.startswith("process_") and not sample.name.endswith(("_created", "timestamp_seconds"))
    }


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("positive", "answered"),
        ("negative", "answered"),
        ("borderline", "answered"),
        ("indeterminate", "answered"),
        ("demonstration", "demonstration"),
    ],
)
def test_an_answered_case_is_counted_without_its_result(status: CaseStatus, outcome: str, metrics: Metrics) -> None:
    metrics.call_ended(replace(FINDINGS, status=status), 7.0)
    assert risen(metrics, "sidewall_cases_total") == {outcome: 1}
    assert shown(metrics, "sidewall_case_duration_seconds_sum", outcome=outcome) == 7.0
    assert shown(metrics, "sidewall_case_nodes_count") == 0
    assert risen(metrics, "sidewall_refusals_total") == {}


def test_nothing_tells_one_answered_case_from_another_whatever_was_found() -> None:
    """Up to 19 cases after the last block; the 20th tells the sums of all."""
    found = (
        replace(FINDINGS, status="positive", gates=()),
        replace(FINDINGS, status="indeterminate", nodes=(), gates=(Gate("node_count", "warn", "many"),)),
    )
    seen = []
    for findings in found:
        metrics = Metrics(CollectorRegistry())
        for _ in range(19):
            metrics.call_ended(findings, 1.0)
        seen.append(all_samples(metrics))
    assert seen[0] == seen[1]
    metrics = Metrics(CollectorRegistry())
    for index in range(39):
        metrics.call_ended(found[index % 2], 1.0)
    assert shown(metrics, "sidewall_cases_total", outcome="answered") == 39
    assert shown(metrics, "sidewall_cases_summarised_total") == 20
    assert shown(metrics, "sidewall_cases_for_review_total") == 10
    assert shown(metrics, "sidewall_case_nodes_count") == 20
    assert shown(metrics, "sidewall_case_nodes_sum") == 20
    assert risen(metrics, "sidewall_gates_fired_total") == {"node_count": 10}


def test_gates_that_warn_are_counted_and_those_that_pass_are_not(metrics: Metrics) -> None:
    gates = (
        Gate("field_of_view", "warn", "covers little"),
        Gate("midline", "refuse", "crooked"),
        Gate("too_coarse", "pass", "fine enough"),
        Gate("input_statistics", "pass", "like the others", score=1.5, threshold=2.0),
    )
    for _ in range(20):
        metrics.call_ended(replace(FINDINGS, gates=gates), 1.0)
    assert risen(metrics, "sidewall_gates_fired_total") == {"field_of_view": 20, "midline": 20}
    assert shown(metrics, "sidewall_input_distance_ratio_sum") == 20 * 0.75


def test_a_case_refused_by_the_pipeline_counts_each_reason_once_and_no_nodes(metrics: Metrics) -> None:
    reasons = (
        RefusalReason("missing_slice", "a"),
        RefusalReason("missing_slice", "b"),
        RefusalReason("not_axial", "c"),
    )
    metrics.call_ended(replace(FINDINGS, status="refused", nodes=(), refusal=reasons), 0.5)
    assert risen(metrics, "sidewall_cases_total") == {"refused": 1}
    assert risen(metrics, "sidewall_refusals_total") == {"missing_slice": 1, "not_axial": 1}
    assert shown(metrics, "sidewall_case_nodes_count") == 0


def test_a_case_refused_while_it_came_in_is_counted_too(metrics: Metrics) -> None:
    metrics.call_ended(CaseRefused([Reason(RefusalCode.TOO_LARGE, "too large")]), 0.5)
    assert risen(metrics, "sidewall_cases_total") == {"refused": 1}
    assert risen(metrics, "sidewall_refusals_total") == {"too_large": 1}
    assert (shown(metrics, "sidewall_last_case_timestamp_seconds") or 0) > 0


@pytest.mark.parametrize(
    ("error", "name", "label"),
    [
        (ServerBusy("full"), "sidewall_calls_rejected_total", "busy"),
        (ServerUnreachable("loading"), "sidewall_calls_rejected_total", "not_ready"),
        (AnalysisCancelled(), "sidewall_calls_failed_total", "cancelled"),
        (SettingInvalid("case_id", "x", "y"), "sidewall_calls_failed_total", "setting_invalid"),
        (SidewallError(), "sidewall_calls_failed_total", "internal_error"),
    ],
)
def test_a_call_without_an_answer_is_no_case(error: SidewallError, name: str, label: str, metrics: Metrics) -> None:
    metrics.call_ended(error, 1.0)
    assert risen(metrics, name) == {label: 1}
    assert risen(metrics, "sidewall_cases_total") == {}
    assert shown(metrics, "sidewall_last_case_timestamp_seconds") == 0


def test_every_counter_is_there_before_anything_happens(metrics: Metrics) -> None:
    for name, label, count in (
        ("sidewall_cases_total", "outcome", 3),
        ("sidewall_refusals_total", "code", len(RefusalCode)),
        ("sidewall_gates_fired_total", "gate", 14),
        ("sidewall_calls_rejected_total", "reason", 2),
        ("sidewall_calls_failed_total", "code", 12),
        ("sidewall_received_bytes_total", "call", 2),
        ("sidewall_engines_total", "source", 2),
    ):
        samples = [each for metric in metrics.registry.collect() for each in metric.samples if each.name == name]
        assert [set(each.labels) for each in samples] == [{label}] * count, name


def test_cases_that_run_and_wait_are_shown_as_the_worker_tells_them(metrics: Metrics) -> None:
    metrics.works(WorkerState(running=1, urgent_waiting=2, routine_waiting=3))
    assert shown(metrics, "sidewall_cases_running") == 1
    assert shown(metrics, "sidewall_cases_waiting") == 5
    assert shown(metrics, "sidewall_urgent_cases_waiting") == 2


def test_held_places_are_read_at_the_scrape(metrics: Metrics) -> None:
    taken = [0]
    metrics.admits(lambda: taken[0], 4)
    taken[0] = 3
    assert (shown(metrics, "sidewall_calls_admitted"), shown(metrics, "sidewall_calls_limit")) == (3, 4)


class _Noted:
    """Keeps durations."""

    def __init__(self) -> None:
        self.steps = dict[str, float]()
        self.folds = list[float]()

    def step_ended(self, step: str, duration_s: float) -> None:
        self.steps[step] = duration_s

    def fold_ended(self, fold: int, duration_s: float) -> None:
        assert fold == len(self.folds)
        self.folds.append(duration_s)


def durations_of(
    course: Iterable[tuple[float, At]], fold_count: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[str, float], list[float]]:
    """Return what is noted of progress that comes at the given seconds."""
    noted, clock = _Noted(), [0.0]
    monkeypatch.setattr("runtime.serving.timing.time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monitor = TimedMonitor(SilentMonitor(), noted, fold_count)
    for clock[0], progress in course:
        monitor.report(progress)
    return noted.steps, noted.folds


def test_steps_and_folds_are_timed_from_the_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    course = [
        (0.0, At("wait", 0, 1)), (2.0, At("wait", 1, 1)),
        (2.0, At("read", 0, 1)), (3.0, At("read", 1, 1)),
        (3.0, At("segment", 0, 1)), (3.5, At("prepare", 0, 1)),
        # Two folds of two tiles: 5 -> 7 -> 9 and -> 10 -> 12.
        (5.0, At("infer", 0, 4)), (7.0, At("infer", 1, 4)), (9.0, At("infer", 2, 4)), (10.0, At("infer", 3, 4)),
        (12.0, At("infer", 4, 4)), (12.5, At("resample", 0, 1)), (13.0, At("segment", 1, 1)),
        (13.0, At("write", 0, 1)), (16.0, At("write", 1, 1)),
    ]  # fmt: skip
    steps, folds = durations_of(course, 2, monkeypatch)
    assert steps == {"wait": 2.0, "read": 1.0, "prepare": 1.5, "infer": 7.0, "resample": 0.5, "write": 3.0}
    assert folds == [4.0, 3.0]


def test_a_step_that_breaks_off_has_no_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    steps, folds = durations_of([(0.0, At("infer", 0, 4)), (1.0, At("infer", 1, 4))], 2, monkeypatch)
    assert (steps, folds) == ({}, [])


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, ALL_MEMORY),
        ({"memory.max": "max\n"}, ALL_MEMORY),
        ({"memory.max": "1073741824\n"}, 1 << 30),
        ({"memory/memory.limit_in_bytes": "1073741824\n"}, 1 << 30),
        ({"memory/memory.limit_in_bytes": "9223372036854771712\n"}, ALL_MEMORY),
    ],
)
def test_the_memory_limit_is_the_control_groups_or_the_machines(
    files: dict[str, str], limit: int, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert memory_limit_bytes(tmp_path) == limit


def test_the_device_of_a_cpu_backend_is_the_processor() -> None:
    assert device_of("openvino-cpu")
