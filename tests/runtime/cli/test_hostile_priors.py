"""Earlier findings that are none are refused by field before any work: in a file, and on the wire."""

import copy
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from sidewall.convert import findings_to_message
from sidewall.v1 import analysis_pb2

from base.errors import SettingInvalid
from core.findings_json import to_mapping
from runtime.serving.uploads import UploadLimits, read_series_upload
from tests.fixtures.commands import Run
from tests.proto.test_convert import full_findings

HOSTILE: Final[dict[str, tuple[str, Any, str]]] = {
    "not a number": ("short_axis_mm", math.nan, "findings.nodes[0].short_axis_mm is nan"),
    "below 0": ("short_axis_mm", -5.0, "findings.nodes[0].short_axis_mm is -5.0"),
    "huge": ("volume_mm3", 1e300, "findings.nodes[0].volume_mm3 is 1e+300"),
    "nowhere": ("centroid_lps_mm", [0.0, math.inf, 0.0], "findings.nodes[0].centroid_lps_mm[1] is inf"),
    "twice": ("nodes", None, "findings.nodes is with 1 twice"),
    "of a later version": ("schema_version", "2.0", "findings.schema_version is '2.0'"),
    "a long name": ("case_id", "n" * 70_000, "findings.case.case_id is of 70000"),
}
"""Kind -> field, value and what is said."""

TOO_DEEP: Final = "[" * 100_000


def hostile(field: str, value: Any) -> dict[str, Any]:
    mapping = copy.deepcopy(to_mapping(full_findings()) | {"refusal": []})
    if field == "nodes":
        mapping["nodes"] *= 2
    elif field == "schema_version":
        mapping[field] = value
    else:
        (mapping["case"] if field == "case_id" else mapping["nodes"][0])[field] = value
    return mapping


@pytest.fixture(params=("analyze", "submit"))
def refused(request: pytest.FixtureRequest, run: Run, tmp_path: Path) -> Callable[[str], str]:
    """Return what a command says of a prior's text; series and bundle are empty folders, and no server is there."""
    for name in ("series", "bundle"):
        (tmp_path / name).mkdir()
    where = {"analyze": ("--bundle", tmp_path / "bundle"), "submit": ("--server", "127.0.0.1:1")}

    def says(text: str) -> str:
        prior = tmp_path / "prior.json"
        prior.write_text(text, encoding="utf-8")
        given = (*where[request.param], "--out", tmp_path / "out", "--prior", prior)
        done = run(request.param, tmp_path / "series", *given)
        assert done.exit_code == 2
        assert not (tmp_path / "out").exists()
        assert len(done.stderr) < 1000
        return done.stderr

    return says


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_command_refuses_the_file_by_its_field(kind: str, refused: Callable[[str], str]) -> None:
    field, value, words = HOSTILE[kind]
    assert words in refused(json.dumps(hostile(field, value)))


def test_a_command_refuses_a_file_of_brackets(refused: Callable[[str], str]) -> None:
    assert "nested deeper than 32" in refused(TOO_DEEP)


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_wire_refuses_the_message_by_its_field(kind: str) -> None:
    field, value, words = HOSTILE[kind]
    options = analysis_pb2.CaseOptions(prior=findings_to_message(hostile(field, value)))
    with pytest.raises(SettingInvalid) as caught:
        read_series_upload(only_a_start(options), UploadLimits(1 << 20, 10))
    assert words in str(caught.value)


def only_a_start(options: analysis_pb2.CaseOptions) -> Iterator[analysis_pb2.AnalyzeSeriesRequest]:
    yield analysis_pb2.AnalyzeSeriesRequest(start=analysis_pb2.SeriesStart(options=options))
    pytest.fail("more was asked for though the start is wrong")
