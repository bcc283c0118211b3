"""dcmjs, the DICOM library of web viewers, finds in SEG and SR what the findings say."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.findings import Node
from runtime.results import codes
from tests.fixtures.npm_packages import installed
from tests.runtime.results.cases import Case, build_case, build_refusal, dicom_files

_SOURCE = Path(__file__).parent / "dcmjs"


@pytest.fixture(scope="session")
def reader(pytestconfig: pytest.Config) -> list[str]:
    """Return the command that reads results with dcmjs, installed below pytest's cache."""
    node, folder = installed(_SOURCE, pytestconfig)
    return [node, str(folder / "read_results.mjs")]


def _read(reader: list[str], case: Case, folder: Path) -> dict[str, Any]:
    paths = []
    for name in ("segmentation.dcm", "report.dcm"):
        data = dicom_files(case).get(name)
        (folder / name).write_bytes(data or b"")
        paths.append("-" if data is None else str(folder / name))
    answer = subprocess.run([*reader, *paths], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def test_dcmjs_finds_the_segments_with_codes_sides_and_voxels(reader: list[str], tmp_path: Path) -> None:
    case = build_case()
    found = {each["trackingUid"]: each for each in _read(reader, case, tmp_path)["segments"]}
    assert len(found) == 8
    for node in case.findings.nodes:
        segment = found[node.tracking_uid]
        assert segment["type"] == codes.LYMPH_NODE.value
        assert segment["category"] == codes.ANATOMICAL_STRUCTURE.value
        assert (segment["region"], segment["side"]) == _place(node)
        assert segment["voxels"] == np.count_nonzero(case.regions.instances.voxels == node.id)
    by_label = {each["label"]: each for each in found.values()}
    for (station, side), mask in case.regions.station_masks().items():
        segment = by_label[f"{side} {station.replace('_', ' ')}".capitalize()]
        assert (segment["type"], segment["region"]) == ("STATION_REGION", codes.STATION_CODES[station].value)
        assert segment["side"] == codes.LATERALITY_CODES[side].value
        assert segment["voxels"] == np.count_nonzero(mask)


def test_dcmjs_finds_the_numbers_and_codes_of_every_node(reader: list[str], tmp_path: Path) -> None:
    case = build_case()
    found = _read(reader, case, tmp_path)
    assert (found["report"]["preliminary"], found["report"]["verification"]) == ("PRELIMINARY", "UNVERIFIED")
    segments = {each["trackingUid"]: each["number"] for each in found["segments"]}
    groups = {each["trackingUid"]: each for each in found["report"]["groups"]}
    for node in case.findings.nodes:
        group = groups[node.tracking_uid]
        assert group["segment"] == segments[node.tracking_uid]
        assert (group["site"], group["side"]) == _place(node)
        assert group["measurements"] == {
            codes.SHORT_AXIS.value: [round(node.short_axis_mm, 2), "mm"],
            codes.LONG_AXIS.value: [round(node.long_axis_mm, 2), "mm"],
            codes.VOLUME.value: [round(node.volume_mm3, 1), "mm3"],
            codes.PROBABILITY.value: [round(node.probability or 0.0, 4), "1"],
        }
        assert group["codes"][codes.NODE_STATUS.value] == codes.STATUS_CODES[node.status].value


def test_dcmjs_finds_the_axes_of_a_node_as_crossed_calipers(reader: list[str], tmp_path: Path) -> None:
    case = build_case()
    groups = {each["trackingUid"]: each for each in _read(reader, case, tmp_path)["report"]["groups"]}
    planes = {str(header.SOPInstanceUID): header for header in case.series.headers}
    for node in case.findings.nodes:
        group = groups[node.tracking_uid]
        assert group["tool"].startswith("Cornerstone3DTools@^0.1.0:Bidirectional")
        for axis in ("short", "long"):
            found = group["axes"][axis]
            plane = planes[found["instance"]]
            down, across = (float(value) for value in plane.PixelSpacing)
            places = (np.array(found["points"]).reshape(2, 2) - 0.5) * (across, down)
            ends = np.array(node.axis_endpoints_lps_mm["short" if axis == "short" else "long"])
            corner = np.array(plane.ImagePositionPatient, dtype=float)
            assert places == pytest.approx((ends - corner)[:, :2], abs=1e-3)


def test_dcmjs_finds_that_a_negative_study_has_no_suspicious_node(reader: list[str], tmp_path: Path) -> None:
    found = _read(reader, build_case(status="negative", with_nodes=False), tmp_path)
    said = [each["codes"].get(codes.SUSPICIOUS_NODE.value) for each in found["report"]["groups"]]
    assert [code for code in said if code] == [codes.ABSENT.value]


def test_dcmjs_finds_why_a_study_was_refused(reader: list[str], tmp_path: Path) -> None:
    case = build_refusal()
    found = _read(reader, case, tmp_path)
    assert found["segments"] == []
    assert found["report"]["refusal"] == ["NOT_T2", "OTHER_REASON"]
    assert found["report"]["refusalTexts"] == [reason.message for reason in case.findings.refusal]


def _place(node: Node) -> tuple[str, str]:
    assert node.station is not None
    return str(codes.STATION_CODES[node.station].value), str(codes.LATERALITY_CODES[node.side].value)
