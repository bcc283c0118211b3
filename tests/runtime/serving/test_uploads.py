"""What the start of a call says is looked at before anything else is taken."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from sidewall.options import CaseOptions
from sidewall.transfer import Geometry
from sidewall.v1 import analysis_pb2, findings_pb2

from base.errors import SettingInvalid
from core.errors import CaseRefused
from runtime.analysis.images import DicomSeries, DicomStudy
from runtime.serving.uploads import UploadLimits, read_series_upload, read_volume_upload

LIMITS = UploadLimits(1 << 20, 10)
GEOMETRY = Geometry((1, 1, 2), (3, 1, 1), (0, 0, 0), ((0, 0, 1), (0, 1, 0), (1, 0, 0)), "int16")


def wrong_options() -> dict[str, analysis_pb2.CaseOptions]:
    prior = analysis_pb2.CaseOptions()
    prior.prior.schema_version = "2.0"
    not_finite = analysis_pb2.CaseOptions()
    not_finite.prior.nodes.add(short_axis_mm=math.nan)
    return {
        "case_id": analysis_pb2.CaseOptions(case_id="n" * 70_000),
        "time_point": analysis_pb2.CaseOptions(context=findings_pb2.CaseContext(time_point=99)),  # type: ignore[arg-type]
        "analysed_at": analysis_pb2.CaseOptions(analysed_at="yesterday"),
        "prior": prior,
        "earlier_report": analysis_pb2.CaseOptions(earlier_report=b"no report"),
        "nodes": not_finite,
    }


def only_a_start(start: Any) -> Iterator[Any]:
    yield start
    pytest.fail("more was asked for though the start is wrong")


@pytest.mark.parametrize("options", wrong_options().values(), ids=wrong_options())
def test_options_are_refused_when_they_come(options: analysis_pb2.CaseOptions) -> None:
    series = analysis_pb2.AnalyzeSeriesRequest(start=analysis_pb2.SeriesStart(options=options))
    with pytest.raises(SettingInvalid):
        read_series_upload(only_a_start(series), LIMITS)
    volume = analysis_pb2.AnalyzeVolumeRequest(start=GEOMETRY.to_message(CaseOptions()))
    volume.start.options.CopyFrom(options)
    with pytest.raises(SettingInvalid):
        read_volume_upload(only_a_start(volume), LIMITS)


@pytest.mark.parametrize("change", [{"spacing_mm_zyx": (0.0, 1.0, 1.0)}, {"direction": ((1, 0, 0),) * 3}])
def test_a_geometry_that_cannot_be_is_refused_before_its_voxels_come(change: dict[str, Any]) -> None:
    wrong = Geometry(**{**vars(GEOMETRY), **change})
    start = analysis_pb2.AnalyzeVolumeRequest(start=wrong.to_message(CaseOptions()))
    with pytest.raises(CaseRefused, match="invalid_volume"):
        read_volume_upload(only_a_start(start), LIMITS)


def series_call(*, announced: int | None, parts: str, **options: Any) -> list[analysis_pb2.AnalyzeSeriesRequest]:
    """Return a call: `i` is an instance, `e` one of the earlier study, in capitals without its end."""
    start = analysis_pb2.SeriesStart(options=analysis_pb2.CaseOptions(**options))
    if announced is not None:
        start.earlier.instance_count = announced
    names = {"i": "instance", "e": "earlier_instance"}
    return [
        analysis_pb2.AnalyzeSeriesRequest(start=start),
        *(
            analysis_pb2.AnalyzeSeriesRequest(**{names[each.lower()]: {"data": b"x", "last": each.islower()}})
            for each in parts
        ),
    ]


def test_instances_of_an_earlier_study_follow_those_of_this_one() -> None:
    case = read_series_upload(series_call(announced=2, parts="iiEee"), LIMITS)
    assert isinstance(case.images, DicomSeries)
    assert case.images.source == [b"x", b"x"]
    assert isinstance(case.about.earlier_images, DicomStudy)
    assert case.about.earlier_images.source == [b"xx", b"x"]


@pytest.mark.parametrize(
    ("announced", "parts", "words"),
    [
        (None, "ie", "after `start` every message must be `instance`"),
        (2, "ieie", "after the first `earlier_instance` every message must be `earlier_instance`"),
        (1, "Ie", "the parts of an `instance` must follow each other"),
        (2, "ie", "1 earlier instance came, 2 announced"),
        (1, "iE", "the stream ended in the middle of an earlier instance"),
        (11, "i" + 11 * "e", "more than 10 instances"),
    ],
)
def test_earlier_instances_out_of_their_order_are_called_that(announced: int | None, parts: str, words: str) -> None:
    with pytest.raises(CaseRefused, match=words):
        read_series_upload(series_call(announced=announced, parts=parts), LIMITS)


def test_the_report_of_an_earlier_study_needs_that_study_and_must_be_one() -> None:
    with pytest.raises(SettingInvalid, match="prior_report is '9 bytes'"):
        read_series_upload(series_call(announced=None, parts="i", prior_report=b"no report"), LIMITS)
    with pytest.raises(ValueError, match="prior_images go along with a series or a study"):
        GEOMETRY.to_message(CaseOptions(prior_images="folder"))
    with pytest.raises(ValueError, match="prior_report is 3; allowed: the bytes"):
        CaseOptions(prior_report=3).to_message()  # type: ignore[arg-type]
