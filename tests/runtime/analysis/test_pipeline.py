"""The whole way with the demo bundle: flips, orders and mirrors of a phantom series, up to SEG and SR."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset

from core.findings import CaseContext, Node
from core.volume import Volume
from phantom.case import generate_case
from runtime.analysis.case import AboutCase, AnalysisSettings, CaseInput, CaseResult
from runtime.analysis.images import BareVolume, DicomSeries
from runtime.analysis.pipeline import analyze_case
from runtime.bundle.loading import load_bundle
from runtime.inference.model import LoadedModel, load_model
from tests.core.dicom_cases import classic, encode_all
from tests.fixtures.volumes import MIRROR_LPS, flip, mirror_header

REPOSITORY = Path(__file__).resolve().parents[3]
CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LEFT, RIGHT = "7771000", "24028007"
MATCH_MM = 4.0
"""The network is not mirror-equivariant: a node may move by about a voxel of the network's grid (3.5 mm slices)."""

SEED = 5006
"""A patient with nodes on both sides, of a range that was neither trained nor measured on."""


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model(load_bundle(REPOSITORY / "models" / "demo"), mode="fast", threads=2)


@pytest.fixture(scope="module")
def image() -> Volume:
    """Return the middle slices of a phantom: both sidewalls, few enough tiles for many runs."""
    return _crop(generate_case(SEED).image)


@pytest.fixture(scope="module")
def upright(model: LoadedModel, image: Volume) -> CaseResult:
    result = _analyze(model, image)
    assert result.findings.nodes, "the case of these tests must have nodes"
    return result


@pytest.mark.parametrize("flips", [flips for flips in product((False, True), repeat=3) if any(flips)])
def test_flipping_pixels_and_header_together_changes_no_finding(
    model: LoadedModel, image: Volume, upright: CaseResult, flips: tuple[bool, bool, bool]
) -> None:
    _assert_same_nodes(_analyze(model, flip(image, flips)), upright)


def test_the_order_of_the_files_changes_no_finding_and_no_byte(
    model: LoadedModel, image: Volume, upright: CaseResult
) -> None:
    shuffled = _analyze(model, image, order=np.random.default_rng(1).permutation(image.shape[0]))
    _assert_same_nodes(shuffled, upright)
    for name in ("segmentation.dcm", "report.dcm"):
        assert _artefact(shuffled, name) == _artefact(upright, name)


def test_mirroring_the_header_alone_swaps_the_sides_in_findings_seg_and_sr(
    model: LoadedModel, image: Volume, upright: CaseResult
) -> None:
    mirrored = _analyze(model, mirror_header(image))
    pairs = list(_match(upright.findings.nodes, mirrored.findings.nodes, MIRROR_LPS))
    assert len(pairs) >= len(upright.findings.nodes) / 2
    seg = _seg_sides(mirrored)
    sr = _sr_sides(mirrored)
    for node, image_of_node in pairs:
        assert {node.side, image_of_node.side} == {"left", "right"}
        code = LEFT if image_of_node.side == "left" else RIGHT
        assert seg[image_of_node.tracking_uid] == code
        assert sr[image_of_node.tracking_uid] == code


def test_the_segmentation_object_covers_the_label_map_in_patient_space(upright: CaseResult) -> None:
    assert upright.labels is not None
    assert upright.instances is not None
    labels = upright.labels.voxels.copy()
    labels[upright.instances.voxels > 0] = 4
    covered = _seg_positions_lps_mm(upright)
    # Voxels labelled node that belong to no reported node are left out of the SEG.
    expected = upright.labels.index_to_lps_mm(np.argwhere(np.isin(labels, (1, 2, 3)) | (upright.instances.voxels > 0)))
    assert len(covered) == len(expected)
    assert np.abs(_sorted_rows(covered) - _sorted_rows(expected)).max() < 1e-2


def test_a_phantom_gives_a_verdict_and_the_same_image_of_a_patient_a_demonstration(
    model: LoadedModel, image: Volume, upright: CaseResult
) -> None:
    assert upright.findings.status != "demonstration"
    patient = _analyze(model, image, QualityControlSubject="NO")
    assert patient.findings.status == "demonstration"
    assert {node.status for node in patient.findings.nodes} == {"demonstration"}


def test_bare_voxels_give_the_findings_of_the_series(model: LoadedModel, image: Volume, upright: CaseResult) -> None:
    bare = analyze_case(CaseInput(BareVolume(image, is_phantom=True), AboutCase("phantom", created=CREATED)), model)
    assert [artefact.name for artefact in bare.artefacts if artefact.name.endswith(".dcm")] == []
    _assert_same_nodes(bare, upright)


def test_a_refused_case_says_every_reason_in_findings_and_reports(model: LoadedModel, image: Volume) -> None:
    datasets = classic(image)
    del datasets[5]
    result = analyze_case(CaseInput(DicomSeries(encode_all(datasets))), model)
    assert result.findings.status == "refused"
    assert [reason.code for reason in result.findings.refusal] == ["missing_slice"]
    assert [artefact.name for artefact in result.artefacts] == [
        "findings.json",
        "report.dcm",
        "gates/missing_slice.png",
        "report.html",
        "report.pdf",
    ]


def test_a_gate_that_the_site_lets_refuse_refuses_with_every_gate_and_warning(
    model: LoadedModel, image: Volume, upright: CaseResult
) -> None:
    warned = {gate.code for gate in upright.findings.gates if gate.outcome == "warn"}
    assert "stations_missing" in warned, "the cropped case of these tests does not show whole stations"
    files = encode_all(classic(image, QualityControlSubject="YES"))
    strict = AnalysisSettings(gates={"stations_missing": "refuse"})
    findings = analyze_case(
        CaseInput(DicomSeries(files), AboutCase("phantom", created=CREATED)), model, strict
    ).findings
    assert findings.status == "refused"
    assert [reason.code for reason in findings.refusal] == ["stations_missing"]
    assert [gate.code for gate in findings.gates] == [gate.code for gate in upright.findings.gates]
    told = set(upright.findings.warnings) - {
        gate.message for gate in upright.findings.gates if gate.code == "stations_missing"
    }
    # How much was seen is said of answers alone.
    assert set(findings.warnings) >= {text for text in told if not text.startswith("incompletely seen")}


def test_a_sites_own_cutoff_decides_and_is_said(model: LoadedModel, image: Volume, upright: CaseResult) -> None:
    largest_mm = max(node.short_axis_mm for node in upright.findings.nodes)
    settings = AnalysisSettings(rules={"short_axis_cutoff_mm": largest_mm + 2, "positive_probability": 1.0})
    findings = analyze_case(
        CaseInput(BareVolume(image, is_phantom=True), AboutCase("phantom")), model, settings
    ).findings
    by_features = [
        bool(node.features.irregular_border and node.features.heterogeneous_signal) for node in findings.nodes
    ]
    assert [node.status_by_rule == "positive" for node in findings.nodes] == by_features
    assert not all(by_features)
    assert findings.rules is not None
    assert findings.rules["short_axis_cutoff_mm"] == largest_mm + 2
    assert findings.rules["id"].endswith("+site")


def test_a_site_that_wants_restaging_rules_gets_them_at_restaging_only(
    model: LoadedModel, image: Volume, upright: CaseResult
) -> None:
    case = CaseInput(BareVolume(image, is_phantom=True), AboutCase("phantom", context=CaseContext("restaging")))
    findings = analyze_case(case, model, AnalysisSettings(restaging_rules=True)).findings
    own = {"internal_iliac": 4.0, "obturator": 6.0}
    assert [node.cutoff_mm for node in findings.nodes] == [own.get(str(node.station), 7.0) for node in findings.nodes]
    assert findings.rules is not None
    assert (findings.rules["restaging_applied"], findings.rules["id"]) == (True, "qiao-2025+restaging")
    assert upright.findings.rules is not None
    assert upright.findings.rules["restaging_applied"] is False
    assert {node.cutoff_mm for node in upright.findings.nodes} == {7.0}


def test_padding_at_the_border_keeps_the_nodes_of_the_image(
    model: LoadedModel, image: Volume, upright: CaseResult
) -> None:
    padded = image.voxels.copy()
    padded[:, :6] = 4095
    datasets = classic(image.with_voxels(padded), QualityControlSubject="YES", PixelPaddingValue=4095)
    findings = analyze_case(
        CaseInput(DicomSeries(encode_all(datasets)), AboutCase("phantom", created=CREATED)), model
    ).findings
    assert findings.status == upright.findings.status
    for node, other in zip(findings.nodes, upright.findings.nodes, strict=True):
        assert (node.side, node.station, node.status) == (other.side, other.station, other.status)
        assert node.short_axis_mm == pytest.approx(other.short_axis_mm, abs=0.2)
        assert node.centroid_lps_mm == pytest.approx(other.centroid_lps_mm, abs=0.3)


def test_a_dead_zone_leaves_no_verdict_and_is_told_in_findings_report_and_picture(
    model: LoadedModel, image: Volume, upright: CaseResult
) -> None:
    depth, height, width = image.shape
    voxels = image.voxels.copy()
    voxels[depth // 4 : depth // 2, height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = 0
    told = [_analyze(model, image.with_voxels(voxels), QualityControlSubject=mark) for mark in ("YES", "NO")]
    assert [result.findings.status for result in told] == ["indeterminate", "demonstration"]
    for result in told:
        findings = result.findings
        (gate,) = [gate for gate in findings.gates if gate.code == "dead_zones"]
        assert f"in slices {depth // 4 + 1}-{depth // 2} of {depth}" in gate.message
        assert gate.message in findings.warnings
        (reason,) = [warning for warning in findings.warnings if warning.startswith("no verdict is given: ")]
        assert "faults of the image reach" in reason or "without signal" in reason
        assert any(artefact.name == "gates/dead_zones.png" for artefact in result.artefacts)
        assert "'DEAD_ZONES'" in str(_dataset(result, "report.dcm"))
        page = _artefact(result, "report.html").decode()
        assert "no verdict is given" in page
        assert "Signal inside the body" in page


def _analyze(model: LoadedModel, image: Volume, order: npt.NDArray[np.int64] | None = None, **tags: str) -> CaseResult:
    datasets = classic(image, **({"QualityControlSubject": "YES"} | tags))
    files = encode_all(datasets)
    files = [files[index] for index in order] if order is not None else files
    result = analyze_case(CaseInput(DicomSeries(files), AboutCase("phantom", created=CREATED)), model)
    assert result.findings.status != "refused", result.findings.refusal
    return result


def _crop(image: Volume) -> Volume:
    """Keep the middle 16 slices and three fifths of the rows."""
    first = (image.shape[0] - 16) // 2
    rows = image.shape[1] // 5
    start = (first, rows, 0)
    origin = image.index_to_lps_mm(start)
    voxels = image.voxels[first : first + 16, rows : image.shape[1] - rows]
    return replace(image, voxels=voxels, origin_lps_mm=(float(origin[0]), float(origin[1]), float(origin[2])))


def _assert_same_nodes(result: CaseResult, expected: CaseResult) -> None:
    assert result.findings.status == expected.findings.status
    assert len(result.findings.nodes) == len(expected.findings.nodes)
    for node, other in zip(result.findings.nodes, expected.findings.nodes, strict=True):
        assert (node.side, node.station, node.status) == (other.side, other.station, other.status)
        assert node.short_axis_mm == pytest.approx(other.short_axis_mm, abs=1e-3)
        assert node.centroid_lps_mm == pytest.approx(other.centroid_lps_mm, abs=1e-3)


def _match(
    nodes: tuple[Node, ...], others: tuple[Node, ...], mirror: npt.NDArray[np.float64]
) -> Iterator[tuple[Node, Node]]:
    for node in nodes:
        for other in others:
            if np.linalg.norm(mirror * node.centroid_lps_mm - other.centroid_lps_mm) < MATCH_MM:
                yield node, other


def _artefact(result: CaseResult, name: str) -> bytes:
    return next(artefact.data for artefact in result.artefacts if artefact.name == name)


def _dataset(result: CaseResult, name: str) -> Dataset:
    return pydicom.dcmread(BytesIO(_artefact(result, name)))


def _seg_sides(result: CaseResult) -> dict[str, str]:
    """Return the laterality code of every tracked segment."""
    segments = _dataset(result, "segmentation.dcm").SegmentSequence
    return {
        segment.TrackingUID: segment.AnatomicRegionSequence[0].AnatomicRegionModifierSequence[0].CodeValue
        for segment in segments
        if "TrackingUID" in segment
    }


def _sr_sides(result: CaseResult) -> dict[str, str]:
    """Return the laterality code of every tracked measurement group."""
    sides: dict[str, str] = {}
    for group in _walk(_dataset(result, "report.dcm")):
        children = list(group.get("ContentSequence", []))
        tracked = [child.UID for child in children if child.get("ValueType") == "UIDREF"]
        codes = [code.CodeValue for item in _walk(group) for code in item.get("ConceptCodeSequence", [])]
        if len(tracked) == 1:
            sides[tracked[0]] = next((code for code in codes if code in (LEFT, RIGHT)), "")
    return sides


def _walk(item: Dataset) -> Iterator[Dataset]:
    for child in item.get("ContentSequence", []):
        yield child
        yield from _walk(child)


def _seg_positions_lps_mm(result: CaseResult) -> npt.NDArray[np.float64]:
    """Return the position of every set pixel from the SEG's own plane attributes."""
    dataset = _dataset(result, "segmentation.dcm")
    shared = dataset.SharedFunctionalGroupsSequence[0]
    spacing = [float(value) for value in shared.PixelMeasuresSequence[0].PixelSpacing]
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
    positions = []
    pixels = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
    for frame, groups in zip(pixels, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        corner = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, dtype=np.float64)
        rows, columns = np.nonzero(frame)
        positions.append(corner + columns[:, None] * spacing[1] * cosines[0] + rows[:, None] * spacing[0] * cosines[1])
    return np.concatenate(positions)


def _sorted_rows(positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # Rounding keeps rows of one voxel together in the order; positions differ by at least 0.5 mm.
    return positions[np.lexsort(np.round(positions, 1).T)]
