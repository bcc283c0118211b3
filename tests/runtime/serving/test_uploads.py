"""What the start of a call says is looked at before anything else is taken."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from sidewall.transfer import CaseOptions, Geometry
from sidewall.v1 import analysis_pb2, findings_pb2

from base.errors import SettingInvalid
from core.errors import CaseRefused
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
