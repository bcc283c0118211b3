from dataclasses import replace

from runtime.core.findings import Findings, ModelDescription
from runtime.core.series import Series
from runtime.results.uids import derive_uid, result_uids
from tests.runtime.results.cases import build_case


def _uid(series: Series, findings: Findings, model: ModelDescription) -> str:
    return result_uids(series, findings, model).uid("segmentation", "instance")


def test_the_same_parts_give_the_same_uid_and_it_is_valid() -> None:
    assert derive_uid("a", "b") == derive_uid("a", "b")
    assert derive_uid("a", "b").startswith("2.25.")
    assert len(derive_uid("a", "b")) <= 44


def test_parts_cannot_be_shifted_into_each_other() -> None:
    assert derive_uid("ab", "c") != derive_uid("a", "bc")


def test_everything_that_can_change_a_result_changes_its_uid() -> None:
    case = build_case()
    model = case.findings.model
    assert model is not None
    uids = {
        _uid(case.series, case.findings, model),
        _uid(case.series, case.findings, replace(model, bundle_digest="sha256:00")),
        _uid(case.series, case.findings, replace(model, mode="fast")),
        _uid(case.series, case.findings, replace(model, backend="openvino-cpu")),
        _uid(case.series, replace(case.findings, software_version="0.1.1"), model),
        _uid(case.series, replace(case.findings, rules={"short_axis_cutoff_mm": 6.0}), model),
        _uid(replace(case.series, frames=case.series.frames[:-1]), case.findings, model),
    }
    assert len(uids) == 7


def test_the_order_of_the_slices_does_not_change_a_uid() -> None:
    case = build_case()
    assert case.findings.model is not None
    turned = replace(case.series, headers=case.series.headers[::-1], frames=case.series.frames[::-1])
    assert _uid(turned, case.findings, case.findings.model) == _uid(case.series, case.findings, case.findings.model)
