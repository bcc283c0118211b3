"""Stations and nodes as contours on the source images: an RT Structure Set (PS3.3, A.19), for planning systems.

Each contour is planar and closed, and lies in the plane of one source image, in its frame of reference. It runs halfway
between the centres of the pixels inside and outside: those whose centre lies within are those of the segmentation. A
hole is joined to the outline around it by a channel without width, as PS3.3, C.8.8.6.3 has it for CLOSED_PLANAR.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import contourpy
import highdicom as hd
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import RTStructureSetStorage
from sidewall.vocabulary import Colour

from runtime.results.context import ResultContext
from runtime.results.palette import STATION_COLOURS, STATUS_COLOURS
from runtime.results.plain_object import plain_object, reference_to
from runtime.results.regions import BoolArray, CaseRegions
from runtime.results.segmentation_object import station_code
from runtime.results.source import SourceImages
from runtime.results.words import MODEL_NAME, RESEARCH_WORDS, describe_node, describe_station

FloatArray = npt.NDArray[np.float64]

_STUDY_CLASS: Final = "1.2.840.10008.3.1.2.3.1"
"""Detached Study Management: retired, and what PS3.3, C.8.8.5 has a reference to a study say."""

_LONGEST: Final = 65534
"""Bytes that a value of VR DS may take in Explicit VR (PS3.5, 7.1.2)."""

_DECIMALS: Final = (3, 2)
"""Digits of a coordinate in mm behind the point; the fewer where an outline would not fit."""


@dataclass(frozen=True, eq=False)
class _Structure:
    """What one region of interest is."""

    name: str
    description: str
    code: Code
    colour: Colour
    mask: BoolArray
    """On the canonical grid (z, y, x)."""


def build_structure_set(context: ResultContext, regions: CaseRegions) -> Dataset | None:
    """Return the structure set of a case, numbered as the segments of its SEG; None when nothing was segmented."""
    structures = [*_stations(context, regions), *_nodes(context, regions)]
    if not structures:
        return None
    source = context.source
    dataset = plain_object(context, "structure_set", RTStructureSetStorage, "RTSTRUCT")
    dataset.OperatorsName = ""
    dataset.FrameOfReferenceUID = source.frame_of_reference_uid
    dataset.PositionReferenceIndicator = source.instances[0].get("PositionReferenceIndicator", "")
    dataset.StructureSetLabel, dataset.StructureSetName = "RESEARCH", f"{MODEL_NAME}: {RESEARCH_WORDS}"
    dataset.StructureSetDate, dataset.StructureSetTime = dataset.SeriesDate, dataset.SeriesTime
    dataset.ReferencedFrameOfReferenceSequence = [_frame_of_reference(source)]
    numbered = list(enumerate(structures, start=1))
    dataset.StructureSetROISequence = [_region(number, each, source) for number, each in numbered]
    dataset.ROIContourSequence = [_contours(number, each, source, regions) for number, each in numbered]
    dataset.RTROIObservationsSequence = [_observation(number, each) for number, each in numbered]
    dataset.ApprovalStatus = "UNAPPROVED"
    return dataset


def _stations(context: ResultContext, regions: CaseRegions) -> Iterator[_Structure]:
    for (station, side), mask in regions.station_masks().items():
        name = describe_station(station, side)
        described = f"Compartment of the {name} lymph nodes, without the nodes. Tracking UID " + context.uids.uid(
            "station", station, side
        )
        yield _Structure(name.capitalize(), described, station_code(station), STATION_COLOURS[station], mask)


def _nodes(context: ResultContext, regions: CaseRegions) -> Iterator[_Structure]:
    for node in context.findings.nodes:
        yield _Structure(
            name=f"Node {node.id} {describe_station(node.station, node.side)}",
            description=f"{describe_node(node)}. Tracking UID {node.tracking_uid}",
            code=station_code(node.station),
            colour=STATUS_COLOURS[node.status],
            mask=regions.instances.voxels == node.id,
        )


def _frame_of_reference(source: SourceImages) -> Dataset:
    """Return the frame of reference with study, series and images that contours are drawn on (C.8.8.5)."""
    series = Dataset()
    series.SeriesInstanceUID = source.instances[0].SeriesInstanceUID
    series.ContourImageSequence = [reference_to(each) for each in source.instances]
    study = Dataset()
    study.ReferencedSOPClassUID = _STUDY_CLASS
    study.ReferencedSOPInstanceUID = source.instances[0].StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame = Dataset()
    frame.FrameOfReferenceUID = source.frame_of_reference_uid
    frame.RTReferencedStudySequence = [study]
    return frame


def _region(number: int, structure: _Structure, source: SourceImages) -> Dataset:
    region = Dataset()
    region.ROINumber = number
    region.ReferencedFrameOfReferenceUID = source.frame_of_reference_uid
    region.ROIName = structure.name
    region.ROIDescription = f"{structure.description}. {RESEARCH_WORDS}"
    region.ROIGenerationAlgorithm = "AUTOMATIC"
    return region


def _contours(number: int, structure: _Structure, source: SourceImages, regions: CaseRegions) -> Dataset:
    """Return the contours of a structure in the order of the source's slices."""
    contours = Dataset()
    contours.ROIDisplayColor = list(structure.colour)
    contours.ReferencedROINumber = number
    contours.ContourSequence = []
    mask = regions.to_source_grid(structure.mask)
    for index in np.flatnonzero(mask.any(axis=(1, 2))):
        for outline in outlines(mask[index]):
            placed = _contour(source, int(index), outline)
            placed.ContourNumber = len(contours.ContourSequence) + 1
            contours.ContourSequence.append(placed)
    return contours


def _contour(source: SourceImages, index: int, outline: FloatArray) -> Dataset:
    plane = source.slices[index]
    image = Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = source.sop_class_uid, plane.SOPInstanceUID
    if source.frame_numbers[index] is not None:
        image.ReferencedFrameNumber = source.frame_numbers[index]
    contour = Dataset()
    contour.ContourImageSequence = [image]
    contour.ContourGeometricType = "CLOSED_PLANAR"
    contour.NumberOfContourPoints = len(outline)
    contour.ContourData = _decimal_strings(source.place(outline, index))
    return contour


def _decimal_strings(points_lps_mm: FloatArray) -> list[str]:
    """Return the coordinates of points (n, 3) one after the other, as exactly as one value of DS has room for."""
    for decimals in _DECIMALS:
        rounded = np.round(points_lps_mm.ravel(), decimals) + 0.0
        texts = [f"{value:.{decimals}f}" for value in rounded]
        if sum(len(text) + 1 for text in texts) <= _LONGEST:
            return texts
    raise ValueError(f"an outline of {len(points_lps_mm)} points does not fit into one contour")


def _observation(number: int, structure: _Structure) -> Dataset:
    observation = Dataset()
    observation.ObservationNumber = observation.ReferencedROINumber = number
    observation.RTROIIdentificationCodeSequence = [hd.sr.CodedConcept.from_code(structure.code)]
    observation.RTROIInterpretedType = ""
    observation.ROIInterpreter = ""
    return observation


def outlines(plane: BoolArray) -> list[FloatArray]:
    """Return the closed outlines of a mask (row, column) as points (n, 2) of column and row, without the first again.

    (0, 0) is the centre of the first pixel. Holes are joined to the outline around them.
    """
    padded = np.pad(plane.astype(np.float64), 1)
    generator = contourpy.contour_generator(z=padded, fill_type=contourpy.FillType.OuterOffset)
    found = []
    for points, offsets in zip(*generator.filled(0.5, 2.0), strict=True):
        rings = [_corners(points[start : end - 1] - 1.0) for start, end in pairwise(offsets)]
        outer, *holes = rings
        for hole in holes:
            outer = _joined(outer, hole)
        found.append(outer)
    return found


def _corners(ring: FloatArray) -> FloatArray:
    """Return a closed ring without the points between two others on one line."""
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    turns = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return np.asarray(ring[np.abs(turns) > 1e-9])


def _joined(outer: FloatArray, hole: FloatArray) -> FloatArray:
    """Return one ring that goes round both, to the hole and back between their nearest points."""
    distance = np.linalg.norm(outer[:, None] - hole[None], axis=-1)
    here, there = np.unravel_index(int(distance.argmin()), distance.shape)
    round_hole = np.concatenate([np.roll(hole, -int(there), axis=0), hole[there : there + 1]])
    return np.concatenate([outer[: here + 1], round_hole, outer[here:]])
