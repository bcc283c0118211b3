"""Every code has a case made for it, and those that need no network fire here too."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.gate_cases import GateCase, Material, Verdict, fired, judge
from benchmarks.gate_report import markdown
from benchmarks.quality_gates import MADE_CASES, Alarm, CleanCase, app, read_clean, summarise
from benchmarks.reading_cases import READING_CASES
from benchmarks.segmentation_cases import SEGMENTATION_CASES
from core.errors import RefusalCode
from core.site_choices import CHANGEABLE_GATES

QUICK_GATES = (RefusalCode.MIDLINE, RefusalCode.STATIONS_MISSING, RefusalCode.FOLD_AGREEMENT)
"""A gate on the image's symmetry, one on the labels and one on the folds; `make gates` runs them all."""


@pytest.fixture(scope="module")
def material() -> Material:
    return Material.of()


def _name(case: GateCase) -> str:
    return f"{case.code.value}: {case.made_by}"


def test_every_code_has_a_case_and_every_gate_one_in_which_it_warns() -> None:
    assert {case.code for case in MADE_CASES} == set(RefusalCode)
    assert {case.code for case in MADE_CASES if case.outcome == "warn"} == {*CHANGEABLE_GATES, RefusalCode.TOO_COARSE}
    assert len({_name(case) for case in MADE_CASES}) == len(MADE_CASES)


def test_the_phantom_that_the_cases_are_made_from_fires_nothing(material: Material) -> None:
    assert fired(material.with_labels(material.case.labels.voxels).run().findings) == []


@pytest.mark.parametrize("case", READING_CASES, ids=_name)
def test_a_case_made_to_be_refused_is_refused_for_it(case: GateCase, material: Material) -> None:
    verdict = judge(case, material)
    assert verdict.fired, verdict


@pytest.mark.parametrize("case", [case for case in SEGMENTATION_CASES if case.code in QUICK_GATES], ids=_name)
def test_a_case_made_for_a_gate_makes_it_warn(case: GateCase, material: Material) -> None:
    verdict = judge(case, material)
    assert verdict.fired, verdict


def test_alarms_are_counted_with_their_seeds_and_what_does_not_fire_is_named() -> None:
    alarm = Alarm("stations_missing", "warn", "not assessed: left obturator", on_truth=False)
    cases = [
        CleanCase(3, "indeterminate", (alarm,), 1.0),
        CleanCase(4, "indeterminate", (Alarm("stations_missing", "warn", "...", on_truth=True),), 1.0),
        CleanCase(5, "negative", (), 1.0),
    ]
    verdicts = [
        Verdict("not_t2", "refuse", "gradient echo", fired=True, others=("too_coarse",), said="..."),
        Verdict("midline", "warn", "one side only", fired=False, others=(), said=""),
    ]
    summary = summarise(verdicts, cases)
    assert summary["silent"] == ["midline: one side only"]
    assert summary["clean_phantoms_without_alarm"] == 1
    assert summary["alarms"] == {"stations_missing": {"phantoms": 2, "seeds": [3, 4], "seeds_on_truth_too": [4]}}
    text = markdown(_report(summary, verdicts))
    assert "1 of 2 fired" in text
    assert "| not_t2 | refuse | gradient echo | yes | too_coarse |" in text
    assert "| midline | warn | one side only | **no** |  |" in text
    assert "| stations_missing | 2 | 3, 4 | 4 |" in text


def test_a_record_survives_json() -> None:
    case = CleanCase(3, "negative", (Alarm("midline", "warn", "weak", on_truth=True),), 1.5)
    assert read_clean(json.dumps(asdict(case))) == case


def _report(summary: dict[str, Any], verdicts: list[Verdict]) -> dict[str, Any]:
    return {
        "command": "python -m benchmarks.quality_gates",
        "seeds": "3-5",
        "clean": "without ghosts",
        "made_from_seed": 5000,
        "generator_version": 1,
        "model": {"name": "demo", "version": "1", "digest": "sha256:00", "mode": "fast", "backend": "openvino"},
        "machine": {"processor": "cpu", "cores": 2, "memory_gib": 4.0, "python": "3.11.2"},
        "summary": summary,
        "unchanged": [],
        "made_cases": [asdict(verdict) for verdict in verdicts],
    }


def test_a_missing_bundle_is_named_with_its_exit_status(tmp_path: Path) -> None:
    arguments = ["--bundle", str(tmp_path / "none"), "--out", str(tmp_path / "report.json")]
    outcome = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    assert outcome.exit_code == 4
    assert "bundle_rejected: there is no bundle at" in outcome.output
    assert list(tmp_path.iterdir()) == []
