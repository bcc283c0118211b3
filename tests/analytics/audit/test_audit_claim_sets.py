import json
from pathlib import Path

import pytest

from analytics.audit.claims_file import load_claims
from analytics.audit.finding import Finding
from analytics.audit.run import audit

SETS = Path(__file__).parent / "claim_sets"
EXPECTED = json.loads((SETS / "expected.json").read_text(encoding="utf-8"))
QIAO = Path(__file__).parents[3] / "analytics" / "examples" / "qiao_2025.yaml"


def contradictions(path: Path) -> list[Finding]:
    return [finding for finding in audit(load_claims(path)) if finding.severity == "contradiction"]


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.startswith("true_")])
def test_claims_printed_from_one_cohort_are_let_pass_in_silence(name: str) -> None:
    assert contradictions(SETS / f"{name}.yaml") == []


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.startswith("planted_")])
def test_a_planted_figure_is_found_and_nothing_else(name: str) -> None:
    assert {str(finding.code) for finding in contradictions(SETS / f"{name}.yaml")} == set(EXPECTED[name])


def test_every_set_in_the_folder_has_an_expected_answer() -> None:
    assert {path.stem for path in SETS.glob("*.yaml")} == set(EXPECTED)
    assert sum(name.startswith("true_") for name in EXPECTED) >= 10
    assert sum(name.startswith("planted_") for name in EXPECTED) >= 10


def test_the_paper_with_exchanged_labels_is_found_out_by_its_own_figures() -> None:
    findings = audit(load_claims(QIAO))
    codes = [str(finding.code) for finding in findings]
    assert codes == [
        "labels_swapped",
        "no_information_rate",
        "counts_conflict",
        "p_value",
        "p_value",
        "survival_conflict",
        "survival_conflict",
        "hazard_ratio",
        "survival_outside_groups",
    ]
    swapped, always_negative, counts, first_p, second_p, _, _, hazard, _ = findings
    assert swapped.details["tables"] == [{"tp": 45, "fn": 16, "fp": 44, "tn": 375}]
    assert swapped.details["positives"] == 61
    assert always_negative.details["rate"] == pytest.approx(0.8729, abs=5e-5)
    assert counts.details == {"given": [61, 90], "by_table": 89}
    assert first_p.details["implied_p"] == pytest.approx(0.011, abs=5e-4)
    assert second_p.details["implied_p"] == pytest.approx(0.37, abs=5e-3)
    assert hazard.details["implied"] == pytest.approx(6.54, abs=5e-3)
