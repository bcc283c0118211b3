"""Cases whose every voxel and coordinate is known, as a series, regions and findings."""

from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage
from sidewall.vocabulary import CaseStatus, NodeStatus

from core.findings import (
    SCHEMA_VERSION,
    CaseContext,
    CaseIdentity,
    Findings,
    Gate,
    InputDescription,
    ModelDescription,
    Node,
    NodeFeatures,
    PointLpsMm,
    RefusalReason,
    StationAssessment,
)
from core.labels import STATION_LABELS, Side
from core.measuring.midline import Midline
from core.series import FrameReference, Series
from core.volume import FloatArray, Volume, canonicalise
from runtime.results.artefacts import write_artefacts
from runtime.results.regions import CaseRegions
from runtime.results.settings import DEFAULT_RESULT_SETTINGS, ResultSettings
from runtime.results.superseding import EarlierReport
from tests.fixtures.volumes import flip

CREATED = datetime(2026, 1, 2, 3, 4, 5)

AXIAL = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
"""Columns: z to the head, y to posterior, x to the left."""

CENTRE_LPS_MM = np.array([20.0, -15.0, 40.0])
"""Centre of the synthetic volumes and of their midline: off x = 0 on purpose."""


@dataclass(frozen=True, eq=False)
class Case:
    """All that `write_artefacts` takes."""

    series: Series
    regions: CaseRegions
    findings: Findings


def dicom_files(
    case: Case,
    *,
    created: datetime = CREATED,
    settings: ResultSettings = DEFAULT_RESULT_SETTINGS,
    earlier: EarlierReport | None = None,
) -> dict[str, bytes]:
    """Return name -> bytes of the DICOM objects of a case; of a refused one, of its refusal."""
    regions = None if case.findings.status == "refused" else case.regions
    artefacts = write_artefacts(
        case.findings, regions, series=case.series, created=created, settings=settings, earlier=earlier
    ).artefacts
    return {each.name: each.data for each in artefacts if each.media_type == "application/dicom"}


def dicom_objects(case: Case, **options: Any) -> dict[str, Dataset]:
    """Return name -> data set of the DICOM objects of a case; the options are those of `dicom_files`."""
    return {name: pydicom.dcmread(BytesIO(data)) for name, data in dicom_files(case, **options).items()}


def build_refusal(**options: Any) -> Case:
    """Return a case that was refused for two reasons; the options are those of `build_case`."""
    case = build_case(**options)
    reasons = (
        RefusalReason("not_t2", "the echo time is 12 ms; allowed: 70 to 140 ms"),
        RefusalReason("unheard_of", "a reason without a code of its own"),
    )
    findings = replace(
        case.findings, status="refused", probability=None, nodes=(), assessed=(), refusal=reasons, input=None
    )
    return Case(case.series, case.regions, findings)


def with_warnings(case: Case) -> Case:
    """Return the case with a warning of a quality check and another one."""
    gates = (
        Gate("field_of_view", "warn", "the images cover 61 mm; allowed: 70 mm and more", 61.0, 70.0),
        Gate("fold_agreement", "pass", "the folds agree", 0.1, 0.5),
    )
    warnings = ("node 2 lies on the midline: its side is unknown", gates[0].message)
    return replace(case, findings=replace(case.findings, gates=gates, warnings=warnings))


def build_case(
    direction: FloatArray = AXIAL,
    *,
    flips: tuple[bool, bool, bool] = (False, False, False),
    status: CaseStatus = "positive",
    with_nodes: bool = True,
    with_stations: bool = True,
    trusted: bool = True,
    enhanced: bool = False,
) -> Case:
    """Return a case of 10x48x56 voxels with a large node on the left and a small one on the right.

    `direction` orients the grid; `flips` turn its axes (z, y, x) round while every voxel stays where it is.
    """
    volume = flip(_image(direction), flips)
    series = build_series(volume, enhanced=enhanced)
    canonical, reorientation = canonicalise(volume)
    labels = station_labels(canonical) if with_stations else np.zeros(canonical.shape, dtype=np.uint8)
    node_status: NodeStatus = "demonstration" if status == "demonstration" else "negative"
    instances = np.zeros(canonical.shape, dtype=np.uint16)
    nodes: tuple[Node, ...] = ()
    if with_nodes:
        large = _node(1, "left" if trusted else "unknown", _offset(26.0, 2.0, 4.0), 4.5, "positive")
        small = _node(2, "right" if trusted else "unknown", _offset(-27.0, 6.0, -8.0), 3.0, node_status)
        nodes = (large if status != "demonstration" else replace(large, status="demonstration"), small)
        for node in nodes:
            instances[_within(canonical, np.array(node.centroid_lps_mm), node.short_axis_mm / 2)] = node.id
        labels[instances > 0] = 4
    midline = Midline(_point(CENTRE_LPS_MM), (1.0, 0.0, 0.0), 0.9, trusted)
    regions = CaseRegions(
        canonical, canonical.with_voxels(labels), canonical.with_voxels(instances), midline, reorientation
    )
    return Case(series, regions, build_findings(status, nodes, trusted))


def build_findings(status: CaseStatus, nodes: tuple[Node, ...], trusted: bool = True) -> Findings:
    """Return findings with every station assessed unless the midline was not trusted."""
    sides: tuple[Literal["left", "right"], ...] = ("left", "right")
    assessed = tuple(
        StationAssessment(side, station, trusted, 1234.5, None) for side in sides for station in STATION_LABELS.values()
    )
    return Findings(
        schema_version=SCHEMA_VERSION,
        software_version="0.1.0",
        case=CaseIdentity("case", "1.2.3", "1.2.3.4", "1.2.3.5"),
        status=status,
        probability=max((node.probability or 0.0 for node in nodes), default=0.0),
        assessed=assessed,
        context=CaseContext(),
        nodes=nodes,
        gates=(),
        rules={"id": "qiao-2025", "short_axis_cutoff_mm": 7.0},
        warnings=(),
        refusal=(),
        input=InputDescription("dicom", 1, None, None, None, None, True, None, None, None),
        model=ModelDescription("demo", "1", "sha256:" + "ab" * 32, "phantom", "onnxruntime-cpu", "exact", 5),
    )


def station_labels(volume: Volume) -> npt.NDArray[np.uint8]:
    """Return three boxes per side, mirrored at the centre: external in front, internal behind."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in volume.shape], indexing="ij"), axis=-1)
    offset = np.abs(volume.index_to_lps_mm(index) - CENTRE_LPS_MM) * (1, 0, 1) + (
        volume.index_to_lps_mm(index) - CENTRE_LPS_MM
    ) * (0, 1, 0)
    lateral = (offset[..., 0] > 18) & (offset[..., 0] < 34) & (offset[..., 2] < 14)
    labels = np.zeros(volume.shape, dtype=np.uint8)
    for value, (front, back) in {1: (-20, -8), 2: (-8, 8), 3: (8, 20)}.items():
        labels[lateral & (offset[..., 1] >= front) & (offset[..., 1] < back)] = value
    return labels


def build_series(volume: Volume, *, enhanced: bool = False) -> Series:
    """Return a series of that volume as acquired, with a header per slice or one enhanced header."""
    if enhanced:
        return _enhanced(volume)
    headers = []
    for index in range(volume.shape[0]):
        header = _header(volume)
        header.SOPClassUID = MRImageStorage
        header.SOPInstanceUID = f"1.2.3.4.{index + 1}"
        header.ImageOrientationPatient = _orientation(volume)
        header.ImagePositionPatient = _decimals(volume.index_to_lps_mm((index, 0, 0)))
        header.PixelSpacing = _decimals(volume.spacing_mm[1:])
        header.SliceThickness = str(volume.spacing_mm[0])
        headers.append(header)
    frames = tuple(FrameReference(str(header.SOPInstanceUID), None) for header in headers)
    return Series(volume, tuple(headers), frames, ())


def _enhanced(volume: Volume) -> Series:
    """Return an enhanced series whose frames are stored from the last slice to the first."""
    header = _header(volume)
    header.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    header.SOPInstanceUID = "1.2.3.4.1"
    count = volume.shape[0]
    header.NumberOfFrames = count
    measures, shared = Dataset(), Dataset()
    measures.PixelSpacing = _decimals(volume.spacing_mm[1:])
    shared.PixelMeasuresSequence = [measures]
    header.SharedFunctionalGroupsSequence = [shared]
    header.PerFrameFunctionalGroupsSequence = []
    for index in reversed(range(count)):
        groups, position, orientation = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = _decimals(volume.index_to_lps_mm((index, 0, 0)))
        orientation.ImageOrientationPatient = _orientation(volume)
        groups.PlanePositionSequence = [position]
        groups.PlaneOrientationSequence = [orientation]
        header.PerFrameFunctionalGroupsSequence.append(groups)
    frames = tuple(FrameReference("1.2.3.4.1", count - index) for index in range(count))
    return Series(volume, (header,), frames, ())


def _header(volume: Volume) -> Dataset:
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 100"
    header.PatientName = "Müller^Jörg"
    header.PatientID = "PID-7"
    header.PatientBirthDate = "19500203"
    header.PatientSex = "M"
    header.StudyInstanceUID = "1.2.3"
    header.SeriesInstanceUID = "1.2.3.4"
    header.FrameOfReferenceUID = "1.2.3.5"
    header.StudyDate, header.StudyTime = "20260101", "101500"
    header.StudyID, header.AccessionNumber = "S1", "ACC-9"
    header.ReferringPhysicianName = "Referrer^R"
    header.Modality = "MR"
    header.Rows, header.Columns = volume.shape[1:]
    return header


def _image(direction: FloatArray) -> Volume:
    """Return a volume centred on `CENTRE_LPS_MM` whose slices follow row x column."""
    shape, spacing = (10, 48, 56), (4.0, 1.3, 1.5)
    centre = (np.array(shape) - 1) / 2 * spacing
    origin = CENTRE_LPS_MM - direction @ centre
    pattern = np.add.outer(np.add.outer(np.arange(10.0) * 7, np.arange(48.0)), np.arange(56.0) * 2)
    return Volume(pattern.astype(np.float32), spacing, _point(origin), direction)


def _node(number: int, side: Side, centre: FloatArray, radius_mm: float, status: NodeStatus) -> Node:
    x, y, z = _point(centre)
    ends_x = ((x - radius_mm, y, z), (x + radius_mm, y, z))
    ends_y = ((x, y - radius_mm - 1, z), (x, y + radius_mm + 1, z))
    return Node(
        id=number,
        side=side,
        station="obturator",
        short_axis_mm=2 * radius_mm,
        long_axis_mm=2 * radius_mm + 2,
        volume_mm3=4 / 3 * np.pi * radius_mm**3,
        centroid_lps_mm=(x, y, z),
        status=status,
        status_by_rule="positive" if radius_mm >= 3.5 else "negative",
        status_by_model="positive" if radius_mm >= 3.5 else "negative",
        probability=0.25 * radius_mm / 4,
        mean_posterior=0.8,
        short_axis_interval_mm=(2 * radius_mm - 0.3, 2 * radius_mm + 0.4),
        axis_endpoints_lps_mm={"short": ends_x, "long": ends_y},
        station_probabilities={"obturator": 1.0},
        regional=True,
        features=NodeFeatures(),
        tracking_uid=f"2.25.77{number}",
    )


def _offset(x_mm: float, y_mm: float, z_mm: float) -> FloatArray:
    return np.asarray(CENTRE_LPS_MM + np.array([x_mm, y_mm, z_mm]))


def _within(volume: Volume, centre: FloatArray, radius_mm: float) -> npt.NDArray[np.bool_]:
    index = np.stack(np.meshgrid(*[np.arange(n) for n in volume.shape], indexing="ij"), axis=-1)
    distance = np.linalg.norm(volume.index_to_lps_mm(index) - centre, axis=-1)
    return np.asarray(distance <= radius_mm)


def _orientation(volume: Volume) -> list[str]:
    return _decimals((*volume.direction[:, 2], *volume.direction[:, 1]))


def _decimals(values: FloatArray | tuple[float, ...]) -> list[str]:
    return [f"{float(value) + 0.0:.10g}"[:16] for value in values]


def _point(values: FloatArray) -> PointLpsMm:
    return float(values[0]), float(values[1]), float(values[2])


def lps_positions(volume: Volume, mask: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the LPS positions (n, 3) in mm of a mask's voxels, sorted."""
    return sorted_positions(volume.index_to_lps_mm(np.argwhere(mask)))


def sorted_positions(positions: FloatArray) -> FloatArray:
    """Return positions (n, 3) sorted by x, y, z to 1e-2 mm, so that two sets can be compared."""
    rounded = np.round(positions, 2)
    return np.asarray(positions[np.lexsort(rounded.T[::-1])])


def segment_positions(segmentation: Dataset, number: int) -> FloatArray:
    """Return the LPS positions (n, 3) in mm that a segment covers, from the plane attributes of its frames alone."""
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float)
    row_spacing, column_spacing = (float(value) for value in shared.PixelMeasuresSequence[0].PixelSpacing)
    positions = [np.empty((0, 3))]
    for groups, pixels in zip(segmentation.PerFrameFunctionalGroupsSequence, segmentation.pixel_array, strict=True):
        if groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number:
            corner = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
            rows, columns = np.nonzero(pixels)
            along_row = columns[:, None] * column_spacing * cosines[:3]
            positions.append(corner + along_row + rows[:, None] * row_spacing * cosines[3:])
    return sorted_positions(np.concatenate(positions))
