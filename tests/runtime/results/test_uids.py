from dataclasses import replace

from core.findings import CaseContext, Findings, InputDescription, RefusalReason
from core.series import Series
from runtime.results.settings import DEFAULT_RESULT_SETTINGS, ResultSettings, SeriesSettings
from runtime.results.source import source_images
from runtime.results.uids import ReportReference, derive_uid, result_uids
from tests.runtime.results.cases import build_case

CASE = build_case()
INPUT = InputDescription("dicom", 10, (10, 48, 56), (4.0, 1.3, 1.5), (0.0, 0.0, 0.0), None, False, None, None, None)


def _uid(
    findings: Findings = CASE.findings,
    *,
    series: Series = CASE.series,
    settings: ResultSettings = DEFAULT_RESULT_SETTINGS,
    supersedes: ReportReference | None = None,
) -> str:
    return result_uids(source_images(series).uids, findings, settings, supersedes).uid("segmentation", "instance")


def test_the_same_parts_give_the_same_uid_and_it_is_valid() -> None:
    assert derive_uid("a", "b") == derive_uid("a", "b")
    assert derive_uid("a", "b").startswith("2.25.")
    assert len(derive_uid("a", "b")) <= 44


def test_parts_cannot_be_shifted_into_each_other() -> None:
    assert derive_uid("ab", "c") != derive_uid("a", "bc")


def test_everything_that_can_change_a_result_changes_its_uid() -> None:
    findings, series = CASE.findings, CASE.series
    assert findings.model is not None
    uids = [
        _uid(),
        _uid(replace(findings, model=replace(findings.model, bundle_digest="sha256:00"))),
        _uid(replace(findings, model=replace(findings.model, mode="fast"))),
        _uid(replace(findings, model=replace(findings.model, backend="openvino-cpu"))),
        _uid(replace(findings, model=None)),
        _uid(replace(findings, software_version="0.1.1")),
        _uid(replace(findings, input=INPUT)),
        _uid(replace(findings, input=replace(INPUT, is_phantom=True))),
        _uid(replace(findings, rules={"short_axis_cutoff_mm": 6.0})),
        _uid(replace(findings, context=CaseContext("restaging"))),
        _uid(replace(findings, refusal=(RefusalReason("not_t2", "why"),))),
        _uid(series=replace(series, headers=series.headers[:-1], frames=series.frames[:-1])),
        _uid(settings=ResultSettings(captures=SeriesSettings(77, "Other"))),
        _uid(supersedes=ReportReference("1.2.3", "1.2.3.9", "1.2.840.10008.5.1.4.1.1.88.34", "1.2.3.9.1")),
    ]
    assert len(set(uids)) == len(uids)


def test_times_do_not_change_a_uid() -> None:
    assert _uid(replace(CASE.findings, timings_s={"read": 1.5})) == _uid()


def test_the_order_of_the_slices_does_not_change_a_uid() -> None:
    turned = replace(CASE.series, headers=CASE.series.headers[::-1], frames=CASE.series.frames[::-1])
    assert _uid(series=turned) == _uid()
