"""An earlier study is believed only where it is one, of this patient, and made the same way."""

from dataclasses import replace

import pytest

from base.errors import SettingInvalid
from core.findings import CaseIdentity, Findings, PatientHashes
from core.judging.comparing import compare_with_prior, require_earlier_study, with_comparison
from core.rules import ScoringRules, rules_of_case
from tests.core.judging.test_comparing import BEFORE, moved
from tests.core.results import MODEL

PATIENT = PatientHashes("00000001", "a" * 32, "b" * 32, "c" * 32)
NOW = CaseIdentity("now", "1.2", "1.2.3", None, "2026-03-05", PATIENT)


def prior(**values: object) -> Findings:
    case = CaseIdentity("before", "1.1", "1.1.3", None, "2026-01-02", PATIENT)
    return replace(BEFORE, case=replace(case, **values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("patient", "named"),
    [
        (replace(PATIENT, patient_id="d" * 32), "patient ID"),
        (replace(PATIENT, issuer="d" * 32), "issuer of the patient ID"),
        (replace(PATIENT, birth_date="d" * 32), "birth date"),
    ],
)
def test_findings_of_another_patient_are_refused(patient: PatientHashes, named: str) -> None:
    words = f"prior is 'findings of another patient: they differ in {named}'; allowed: findings of an earlier study"
    with pytest.raises(SettingInvalid, match=words):
        require_earlier_study(NOW, prior(patient=patient).case)


@pytest.mark.parametrize(
    "patient", [PATIENT, replace(PATIENT, issuer=None), replace(PATIENT, birth_date=None), None,
                replace(PATIENT, key="00000002", patient_id="d" * 32)],
)  # fmt: skip
def test_what_is_not_stated_or_hashed_under_another_secret_tells_nobody_apart(patient: PatientHashes | None) -> None:
    require_earlier_study(NOW, prior(patient=patient).case)


def test_a_later_study_is_no_earlier_one_and_one_of_the_same_day_is() -> None:
    with pytest.raises(SettingInvalid, match="prior is 'findings of a study 1 day later'"):
        require_earlier_study(NOW, prior(study_date="2026-03-06").case)
    require_earlier_study(NOW, prior(study_date="2026-03-05").case)
    require_earlier_study(NOW, prior(study_date=None).case)


@pytest.mark.parametrize(
    ("patient", "why"),
    [
        (None, "which needs a patient ID in both and a secret of the site"),
        (replace(PATIENT, key="00000002"), "since their patients are hashed under different secrets"),
    ],
)
def test_that_the_patient_could_not_be_checked_is_said(patient: PatientHashes | None, why: str) -> None:
    now = replace(moved(BEFORE), case=NOW)
    said = [each for each in with_comparison(now, prior(patient=patient)).warnings if "same patient" in each]
    assert len(said) == 1
    assert why in said[0]
    assert not [each for each in with_comparison(now, prior()).warnings if "same patient" in each]
    # One study is one patient, whatever is hashed.
    assert not [
        each
        for each in with_comparison(now, prior(patient=patient, study_instance_uid="1.2")).warnings
        if "same patient" in each
    ]


def test_study_date_and_time_between_are_kept() -> None:
    compared = with_comparison(replace(moved(BEFORE), case=NOW), prior()).comparison
    assert compared is not None
    assert (compared.prior_study_instance_uid, compared.prior_study_date) == ("1.1", "2026-01-02")
    assert compared.interval_days == 62


@pytest.mark.parametrize(
    ("earlier", "differing"),
    [
        (BEFORE, ()),
        (replace(BEFORE, model=replace(MODEL, backend="openvino-cpu", threads=8)), ()),
        (replace(BEFORE, model=replace(MODEL, bundle_digest="sha256:" + "1" * 64)), ("another bundle",)),
        (replace(BEFORE, model=replace(MODEL, mode="fast")), ("another mode",)),
        (replace(BEFORE, model=None), ("a model's segmentation and a label map",)),
        (replace(BEFORE, rules={**(BEFORE.rules or {}), "node_threshold": 0.4}), ("other rules",)),
    ],
)
def test_findings_made_otherwise_differ_by_method_and_not_by_growth(
    earlier: Findings, differing: tuple[str, ...]
) -> None:
    nodes, comparison, warnings = compare_with_prior(moved(BEFORE), earlier)
    assert comparison is not None
    assert comparison.between_methods == differing
    assert all(each.prior is not None for each in nodes)
    assert any("neither growth nor shrinkage" in each for each in warnings) == bool(differing)


def test_restaging_cutoffs_move_no_outline_and_are_no_other_method() -> None:
    baseline, restaging = (
        rules_of_case(ScoringRules(), point, restaging_rules=True) for point in ("baseline", "restaging")
    )
    now = replace(moved(BEFORE), rules=vars(restaging))
    _, comparison, _ = compare_with_prior(now, replace(BEFORE, rules=vars(baseline)))
    assert comparison is not None
    assert comparison.between_methods == ()


def test_a_node_known_for_certain_keeps_its_tracking_uid_and_its_volume_of_then() -> None:
    before = replace(BEFORE, nodes=tuple(replace(each, tracking_uid=f"1.7.{each.id}") for each in BEFORE.nodes))
    nodes, _, _ = compare_with_prior(moved(BEFORE), before)
    assert {each.prior.id: each.tracking_uid for each in nodes if each.prior} == {1: "1.7.1", 2: "1.7.2", 3: "1.7.3"}
    assert all(each.prior and each.prior.volume_mm3 == BEFORE.nodes[0].volume_mm3 for each in nodes)
    rival = replace(before.nodes[0], id=4, centroid_lps_mm=(44.0, 21.0, 30.0))
    nodes, _, _ = compare_with_prior(moved(BEFORE), replace(before, nodes=(*before.nodes, rival)))
    doubtful = next(each for each in nodes if each.prior and each.prior.id == 1)
    assert doubtful.tracking_uid == moved(BEFORE).nodes[2].tracking_uid


def test_a_node_that_is_gone_has_its_place_in_this_study() -> None:
    after = moved(BEFORE)
    _, comparison, _ = compare_with_prior(replace(after, nodes=after.nodes[:2]), BEFORE)
    assert comparison is not None
    (gone,) = comparison.vanished
    assert gone.centroid_lps_mm == pytest.approx((41.0 + 23.0, 20.0 - 41.0, 30.0 + 118.0))
