"""What only several cases together show is found, and only those concerned are rejected."""

from pathlib import Path
from typing import Any

from training.intake.cohort_checks import check_cohort
from training.intake.faults import Fault, FaultCode
from training.intake.records import CaseContent, CaseRecord, Scanner


def record(name: str, **values: Any) -> CaseRecord:
    """Return an accepted case, all of its own unless told otherwise."""
    about = {key: values.pop(key) for key in ("hospital", "split") if key in values}
    content = {
        "patient": f"patient {name}",
        "node_status": "negative",
        "shape": (5, 6, 7),
        "spacing_mm": (3.0, 0.5, 0.5),
        "scanner": Scanner("A", "B", 1.5),
        "nodes": (),
        "pixels_sha256": f"pixels {name}",
        "labels_sha256": "",
        "instance_uids": frozenset({f"1.{name}"}),
        "place": Path(),
    }
    made = CaseContent(**(content | values))  # type: ignore[arg-type]
    return CaseRecord(name, about.get("hospital", "north"), about.get("split", "train"), Path(), made)


def found(records: list[CaseRecord]) -> dict[str, list[str]]:
    return {each.name: [str(fault.code) for fault in (*each.reasons, *each.warnings)] for each in check_cohort(records)}


def test_cases_with_nothing_in_common_pass() -> None:
    assert found([record("b"), record("a")]) == {"a": [], "b": []}


def test_of_the_same_voxels_the_first_name_stays() -> None:
    cases = [record("b", pixels_sha256="same"), record("a", pixels_sha256="same"), record("c")]
    assert found(cases) == {"a": [], "b": ["duplicate_image"], "c": []}
    (fault,) = check_cohort(cases)[1].reasons
    assert "the same voxels as case a" in fault.message


def test_one_shared_instance_makes_a_duplicate() -> None:
    cases = [record("a", instance_uids=frozenset({"1", "2"})), record("b", instance_uids=frozenset({"2", "3"}))]
    assert found(cases) == {"a": [], "b": ["duplicate_image"]}


def test_a_rejected_case_makes_no_other_a_duplicate() -> None:
    first = record("a", pixels_sha256="same").rejected(Fault(FaultCode.ONE_SIDED, ""))
    assert found([first, record("b", pixels_sha256="same")]) == {"a": ["one_sided"], "b": []}


def test_a_patient_in_training_and_test_loses_both() -> None:
    cases = [record("a", patient="p"), record("b", patient="p", split="test"), record("c")]
    assert found(cases) == {"a": ["patient_in_two_splits"], "b": ["patient_in_two_splits"], "c": []}


def test_a_patient_of_two_hospitals_is_warned_of() -> None:
    cases = [record("a", patient="p"), record("b", patient="p", hospital="south")]
    assert found(cases) == {"a": ["patient_in_two_hospitals"], "b": ["patient_in_two_hospitals"]}
    assert all(each.accepted for each in check_cohort(cases))
