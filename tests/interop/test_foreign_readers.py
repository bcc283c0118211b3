"""What readers of other people find in our objects is what findings say: numbers, places, sides, UIDs, references.

`make interop` makes the environment of those that need one of their own, and runs what else reads results beside this:
dcmjs, Orthanc, and contours rasterised again.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from scipy.spatial.transform import Rotation

from core.findings import CaseContext, Comparison, PriorNode, VanishedNode
from core.volume import FloatArray
from runtime.results import codes
from runtime.results.words import describe_station
from tests.runtime.results.cases import AXIAL, Case, build_case, build_refusal, dicom_files, lps_positions

ENVIRONMENT = Path(__file__).parents[2] / ".venv-interop" / "bin" / "python"
READING = Path(__file__).parent / "read_results.py"
OBLIQUE = Rotation.from_euler("xyz", (20, -12, 8), degrees=True).as_matrix() @ AXIAL
PRONE = np.diag([-1.0, -1.0, 1.0]) @ AXIAL
VANISHED = VanishedNode(3, "left", "obturator", 5.0, "negative", (1.0, -2.25, 3.0))


def _with_prior() -> Case:
    case = build_case()
    first, second = case.findings.nodes
    prior = PriorNode(7, first.short_axis_mm + 1.2, -1.2, (-2.5, 0.1), 3.0, certain=True, volume_mm3=500.0)
    findings = replace(
        case.findings,
        nodes=(replace(first, prior=prior), second),
        context=CaseContext("restaging", "before"),
        comparison=Comparison("before", "baseline", 4, (1.0, 2.0, 3.0), (VANISHED,), "1.2.2", "2025-11-02", 60),
    )
    return replace(case, findings=findings)


MAKERS: dict[str, Callable[[], Case]] = {
    "classic": build_case,
    "enhanced": lambda: build_case(enhanced=True),
    "oblique": lambda: build_case(OBLIQUE),
    "oblique and flipped": lambda: build_case(OBLIQUE, flips=(False, True, True)),
    "prone": lambda: build_case(PRONE),
    "flipped": lambda: build_case(flips=(True, True, False)),
    "flipped and enhanced": lambda: build_case(flips=(True, False, True), enhanced=True),
    "negative": lambda: build_case(status="negative", with_nodes=False),
    "demonstration": lambda: build_case(status="demonstration"),
    "sides unknown": lambda: build_case(status="indeterminate", trusted=False),
    "prior": _with_prior,
}
"""The voxels of all are anisotropic: 4.0 x 1.3 x 1.5 mm."""

FEW = ("classic", "enhanced", "oblique")


EACH = [pytest.param(name, marks=() if name in FEW else pytest.mark.trial) for name in MAKERS]
"""Those beyond the few are for `make interop` and the trials."""


@dataclass(frozen=True)
class Written:
    """A case, and its objects in a folder."""

    case: Case
    folder: Path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Written]:
    """Return what writes a case of the matrix, once."""
    known: dict[str, Written] = {}

    def write(name: str) -> Written:
        if name not in known:
            case, folder = MAKERS[name](), tmp_path_factory.mktemp("case")
            for file, data in dicom_files(case).items():
                (folder / file).parent.mkdir(exist_ok=True)
                (folder / file).write_bytes(data)
            known[name] = Written(case, folder)
        return known[name]

    return write


@pytest.fixture(scope="module")
def foreign() -> Callable[[Path], dict[str, Any]]:
    """Return what reads a folder with dcmqi and pydicom-seg."""
    if not ENVIRONMENT.is_file():
        pytest.skip("the environment of dcmqi and pydicom-seg is not there: make interop makes it")
    known: dict[Path, dict[str, Any]] = {}

    def read(folder: Path) -> dict[str, Any]:
        if folder not in known:
            answer = subprocess.run([ENVIRONMENT, READING, folder], capture_output=True, text=True, check=False)
            assert answer.returncode == 0, answer.stderr
            known[folder] = json.loads(answer.stdout)
        return known[folder]

    return read


def _expected(case: Case) -> Iterator[tuple[str, str, FloatArray]]:
    """Yield label, side and LPS positions (n, 3) of every segment there should be, in the order of their numbers."""
    for (station, side), mask in case.regions.station_masks().items():
        yield describe_station(station, side).capitalize(), side, lps_positions(case.regions.labels, mask)
    for node in case.findings.nodes:
        mask = case.regions.instances.voxels == node.id
        label = f"Node {node.id} {describe_station(node.station, node.side)}"
        yield label, node.side, lps_positions(case.regions.instances, mask)


def _assert_segments(case: Case, found: dict[str, Any]) -> None:
    expected = list(_expected(case))
    assert len(found) == len(expected)
    by_number = {each["number"]: (uid, each) for uid, each in found.items()}
    nodes = {f"Node {node.id}": node for node in case.findings.nodes}
    for number, (label, side, positions) in enumerate(expected, start=1):
        uid, segment = by_number[number]
        assert (segment["label"], segment["side"].lower()) == (label, "" if side == "unknown" else side)
        assert segment["voxels"] == len(positions)
        for place, value in (
            ("centre", positions.mean(axis=0)),
            ("low", positions.min(axis=0)),
            ("high", positions.max(axis=0)),
        ):
            assert segment[place] == pytest.approx(value.tolist(), abs=0.02), (label, place)
        node = nodes.get(" ".join(label.split()[:2]))
        if node is not None:
            assert uid == node.tracking_uid
            assert segment["centre"] == pytest.approx(list(node.centroid_lps_mm), abs=1.0)


@pytest.mark.parametrize("reader", ["pydicom-seg", "dcmqi"])
@pytest.mark.parametrize("name", EACH)
def test_the_segments_lie_where_the_findings_say(
    name: str, reader: str, written: Callable[[str], Written], foreign: Callable[[Path], dict[str, Any]]
) -> None:
    made = written(name)
    _assert_segments(made.case, foreign(made.folder)[reader])


@pytest.mark.parametrize("name", EACH)
def test_highdicom_finds_the_segments_where_the_findings_say(name: str, written: Callable[[str], Written]) -> None:
    made = written(name)
    segmentation = hd.seg.segread(made.folder / "segmentation.dcm")
    found = {}
    for number in segmentation.segment_numbers:
        description = segmentation.get_segment_description(number)
        volume = segmentation.get_volume(segment_numbers=[number], allow_missing_positions=True)
        index = np.argwhere(volume.array.reshape(volume.array.shape[:3]))
        points = volume.map_indices_to_reference(index)
        modifiers = description.anatomic_regions[0].get("AnatomicRegionModifierSequence", ())
        found[str(description.tracking_uid)] = {
            "number": number,
            "label": description.segment_label,
            "side": str(modifiers[0].CodeMeaning) if modifiers else "",
            "voxels": len(index),
            "centre": points.mean(axis=0).tolist(),
            "low": points.min(axis=0).tolist(),
            "high": points.max(axis=0).tolist(),
        }
    _assert_segments(made.case, found)


@pytest.mark.parametrize("name", EACH)
def test_dcmqi_reads_the_report_as_the_findings_say(
    name: str, written: Callable[[str], Written], foreign: Callable[[Path], dict[str, Any]]
) -> None:
    made = written(name)
    groups = foreign(made.folder)["dcmqi report"]
    segmentation = pydicom.dcmread(made.folder / "segmentation.dcm")
    # A station of unknown side has a segment, and no group: the report has groups for right and left.
    segments = {
        str(each.TrackingUID): int(each.SegmentNumber)
        for each in segmentation.SegmentSequence
        if made.case.regions.midline.trusted or each.SegmentLabel.startswith("Node")
    }
    assert set(segments) <= set(groups)
    for uid, number in segments.items():
        assert groups[uid]["segment"] == number
        assert groups[uid]["segmentation"] == segmentation.SOPInstanceUID
        assert groups[uid]["series"] in (None, "1.2.3.4")
    for node in made.case.findings.nodes:
        group = groups[node.tracking_uid]
        assert group["side"].lower() == ("" if node.side == "unknown" else node.side)
        assert group["site"] == codes.STATION_CODES["obturator"].value
        expected = {
            codes.SHORT_AXIS: node.short_axis_mm,
            codes.LONG_AXIS: node.long_axis_mm,
            codes.VOLUME: node.volume_mm3,
        }
        for code, value in expected.items():
            assert group["numbers"][code.value] == pytest.approx(value, abs=0.051)
        assert group["codes"][codes.NODE_STATUS.value] == codes.STATUS_CODES[node.status].value
        if node.prior is not None:
            assert group["numbers"][codes.SHORT_CHANGE.value] == pytest.approx(node.prior.change_mm, abs=0.01)


def _dcmtk(*command: str | Path) -> str:
    program = shutil.which(str(command[0]))
    if program is None:
        pytest.skip("DCMTK is not installed")
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", EACH)
def test_dcmtk_reads_the_report_and_the_key_objects_with_every_number(
    name: str, written: Callable[[str], Written]
) -> None:
    made = written(name)
    for file in ("report.dcm", "key_objects.dcm"):
        assert "<report" in _dcmtk("dsr2xml", made.folder / file)
    report = _dcmtk("dsr2xml", made.folder / "report.dcm")
    for node in made.case.findings.nodes:
        assert node.tracking_uid in report
        assert f"<value>{round(node.short_axis_mm, 2)}</value>" in report


def test_dcmtk_reads_a_refusal_with_its_reasons(tmp_path: Path) -> None:
    case = build_refusal()
    (tmp_path / "report.dcm").write_bytes(dicom_files(case)["report.dcm"])
    report = _dcmtk("dsr2xml", tmp_path / "report.dcm")
    assert "<value>REFUSED</value>" in report
    assert all(reason.message in report for reason in case.findings.refusal)


NAMES = {
    "ISO_IR 100": "Müller^Jörg", "ISO_IR 101": "Łódź^Žofie", "ISO_IR 109": "Ħal^Ġorġ", "ISO_IR 110": "Āboliņš^Šķēle",
    "ISO_IR 144": "Люкceмбypг^Иван", "ISO_IR 127": "قباني^لنزار", "ISO_IR 126": "Διονυσιος^Άννα",
    "ISO_IR 138": "שרון^דבורה", "ISO_IR 148": "Çavuşoğlu^Işıl", "ISO_IR 13": "ﾔﾏﾀﾞ^ﾀﾛｳ", "ISO_IR 166": "นามสกุล^ชื่อ",
    "ISO_IR 192": "Wang^XiaoDong=王^小东", "GB18030": "Wang^XiaoDong=王^小东", "GBK": "Wang^XiaoDong=王^小东",
}  # fmt: skip


@pytest.mark.parametrize("character_set", NAMES)
def test_dcmtk_reads_the_name_of_every_character_set_in_every_object(character_set: str, tmp_path: Path) -> None:
    case, headers = build_case(), []
    for header in case.series.headers:
        header.SpecificCharacterSet, header.PatientName = character_set, NAMES[character_set]
        header.ReferringPhysicianName = ""
        stored = BytesIO()
        pydicom.dcmwrite(stored, header, implicit_vr=False, little_endian=True)
        read = pydicom.dcmread(BytesIO(stored.getvalue()), force=True)
        headers.append(read)
    case = replace(case, series=replace(case.series, headers=tuple(headers)))
    for name, data in dicom_files(case).items():
        if name.startswith("captures/"):
            continue
        (tmp_path / name).write_bytes(data)
        said = json.loads(_dcmtk("dcm2json", tmp_path / name))["00100010"]["Value"][0]
        assert "=".join(said[group] for group in ("Alphabetic", "Ideographic") if group in said) == NAMES[character_set]


def _references(dataset: Dataset) -> Iterator[tuple[str, str]]:
    for element in dataset.iterall():
        if element.keyword == "ReferencedSOPInstanceUID":
            yield element.keyword, str(element.value)


@pytest.mark.parametrize("name", EACH)
def test_every_reference_leads_to_the_source_or_to_an_object_of_the_case(
    name: str, written: Callable[[str], Written]
) -> None:
    made = written(name)
    objects = [pydicom.dcmread(each) for each in made.folder.rglob("*.dcm")]
    known = {str(each.SOPInstanceUID) for each in (*objects, *made.case.series.headers)}
    found = {uid for each in objects for _, uid in _references(each)}
    assert found
    assert found <= known
