import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest

from analytics.estimate import Estimate
from benchmarks.coverage_report import coverage_of, markdown
from benchmarks.coverage_truth import exact_truths, sampled_truths
from benchmarks.interval_coverage import CohortRecord, _numbers, examine_cohort, read_record, study_design, summarise
from benchmarks.running import Ledger


@pytest.fixture(scope="module")
def record() -> CohortRecord:
    return examine_cohort(3)


def test_intervals_above_and_below_the_truth_are_told_apart_and_a_missing_bound_is_infinite() -> None:
    intervals = [
        (1.0, 0.5, 1.5),
        (2.0, 1.5, 2.5),
        (0.1, 0.0, 0.5),
        (None, 0.8, None),
        (3.0, 1.2, None),
        (None, None, None),
    ]
    coverage = coverage_of("kind: parameter", 1.0, intervals)
    assert (coverage.covered, coverage.truth_below, coverage.truth_above, coverage.undefined) == (2, 2, 1, 1)
    assert coverage.share == pytest.approx(2 / 5)
    assert coverage.mean == pytest.approx(6.1 / 4)
    # Widths 1, 1, 0.5 and twice infinity: the middle one of five is 1.
    assert coverage.median_width == pytest.approx(1.0)


def test_the_experiments_own_uncertainty_is_a_wilson_interval() -> None:
    coverage = coverage_of("kind: parameter", 0.0, [(0.0, -1.0, 1.0)] * 950 + [(3.0, 2.0, 4.0)] * 50)
    # Centre (0.95 + z^2 / 2000) / (1 + z^2 / 1000) = 0.948278, half width 1.959964 x 0.00696135 / 1.003841 = 0.013592.
    assert coverage.share_low == pytest.approx(0.934686, abs=1e-6)
    assert coverage.share_high == pytest.approx(0.961870, abs=1e-6)


def test_every_interval_has_a_true_value(record: CohortRecord) -> None:
    truths = {**exact_truths(study_design()), **dict.fromkeys(sampled_truths(study_design(), 2, 500), 0.5)}
    assert len(record.intervals) > 150
    assert {name.partition(": ")[2] for name in record.intervals} <= truths.keys()
    assert all(math.isfinite(value) for value in truths.values())


def test_the_same_seed_gives_the_same_intervals(record: CohortRecord) -> None:
    assert examine_cohort(3) == record


def test_a_record_comes_back_from_its_line_so_that_a_run_can_go_on(record: CohortRecord, tmp_path: Path) -> None:
    assert read_record(json.dumps(asdict(record))) == record
    ledger = Ledger(tmp_path / "ledger.jsonl", {"version": 1}, read_record)
    ledger.add(record)
    assert Ledger(tmp_path / "ledger.jsonl", {"version": 1}, read_record).records == {3: record}
    assert not Ledger(tmp_path / "ledger.jsonl", {"version": 2}, read_record).records


def test_bounds_that_are_no_numbers_count_as_absent() -> None:
    assert _numbers(Estimate(math.nan, 3.0, None, "median", 5)) == (None, 3.0, None)
    assert _numbers(Estimate(0.5, math.nan, 0.75, "survival", 5)) == (0.5, None, 0.75)


def test_an_interval_that_one_cohort_lacks_is_undefined_there() -> None:
    records = [CohortRecord(0, {"Wilson: a": (0.5, 0.4, 0.6)}), CohortRecord(1, {})]
    (coverage,) = summarise(records, {"a": 0.5})
    assert (coverage.covered, coverage.undefined) == (1, 1)


def test_the_table_names_what_lies_outside_the_aim_and_counts_exact_and_plain_intervals_apart() -> None:
    good = coverage_of("Wilson: a", 0.5, [(0.5, 0.4, 0.6)] * 95 + [(0.8, 0.7, 0.9)] * 5)
    poor = coverage_of("Wald: b", 0.5, [(0.5, 0.4, 0.6)] * 9 + [(0.2, 0.1, 0.3)])
    exact = coverage_of("Clopper-Pearson: a", 0.5, [(0.5, 0.4, 0.6)] * 98 + [(0.8, 0.7, 0.9)] * 2)
    plain = coverage_of("DeLong, plain: c", 0.5, [(0.5, 0.4, 0.6)] * 8 + [(0.2, 0.1, 0.3)] * 2)
    report = {
        "cohorts": 100, "first_seed": 0, "patients": 480, "sampled_patients": 1000, "command": "python -m x",
        "sampled_truths": {"ICC3": {"value": 0.9, "standard_error": 0.001}},
        "coverage": [asdict(each) for each in (good, poor, exact, plain)],
        "machine": {"processor": "a processor", "cores": 2, "memory_gib": 8.0, "python": "3.11.2"},
    }  # fmt: skip
    text = markdown(report)
    assert "- **Given by default**: 1 of 2 cover in 93% to 97% of the cohorts." in text
    assert "- **Exact**, on request: 1 of 1 cover in 95% or more" in text
    assert "never given by default: 0 of 1 cover in 93% to 97%." in text
    outside = text[text.index("## Outside") : text.index("## Every")]
    assert "| Wald | b | 0.5 | 0.47 | 90.0% |" in outside
    assert not any(name in outside for name in ("Wilson", "Clopper", "DeLong"))
    compared = text[text.index("## Plain") : text.index("## Not measured")]
    assert "| DeLong, plain | c | 0.5 | 0.44 | 80.0% |" in compared
    assert "- DeLong, plain is symmetric" in compared
