"""The DICOM SEG: stations and nodes as segments on the grid of the source images."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import highdicom as hd
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian

from runtime.core.findings import Findings, ModelDescription, Node
from runtime.core.labels import Side, Station
from runtime.results import codes
from runtime.results.palette import STATION_COLOURS, STATUS_COLOURS, Colour
from runtime.results.regions import BoolArray, CaseRegions
from runtime.results.source import SourceImages, complete
from runtime.results.uids import ResultUids
from runtime.results.words import (
    MANUFACTURER,
    MODEL_NAME,
    RESEARCH_WORDS,
    SERIAL_NUMBER,
    algorithm_parameters,
    describe_node,
    describe_station,
)

SERIES_NUMBER: Final = 9001


@dataclass(frozen=True, eq=False)
class Segment:
    """One segment before encoding."""

    description: hd.seg.SegmentDescription
    mask: BoolArray
    """Canonical voxels (z, y, x)."""


@dataclass(frozen=True, eq=False)
class SegmentationObject:
    """An encoded SEG and where each node is in it."""

    dataset: hd.seg.Segmentation
    node_segments: dict[int, int]
    """Node id -> segment number."""

    station_segments: dict[tuple[Station, Side], int]
    """Station and side -> segment number."""


def build_segmentation(
    source: SourceImages,
    findings: Findings,
    model: ModelDescription,
    regions: CaseRegions,
    uids: ResultUids,
    created: datetime,
) -> SegmentationObject | None:
    """Return the SEG of a case, or None when nothing was segmented: an empty SEG has no frame to encode.

    Stations come first, then the nodes in the order of the findings. Raises `ValueError` when a node of the findings
    has no voxels in `regions.instances`.
    """
    stations = regions.station_masks()
    algorithm = _algorithm(findings, model)
    segments: list[Segment] = []
    for (station, side), mask in stations.items():
        segments.append(Segment(_station_segment(len(segments) + 1, station, side, algorithm, uids), mask))
    for node in findings.nodes:
        mask = regions.instances.voxels == node.id
        if not mask.any():
            raise ValueError(f"node {node.id} of the findings has no voxels in the instance map")
        segments.append(Segment(_node_segment(len(segments) + 1, node, algorithm), mask))
    if not segments:
        return None
    dataset = _encode(source, findings, regions, segments, uids, created)
    first_node = len(stations) + 1
    return SegmentationObject(
        dataset=dataset,
        node_segments={node.id: first_node + index for index, node in enumerate(findings.nodes)},
        station_segments={key: number for number, key in enumerate(stations, start=1)},
    )


def _encode(
    source: SourceImages,
    findings: Findings,
    regions: CaseRegions,
    segments: list[Segment],
    uids: ResultUids,
    created: datetime,
) -> hd.seg.Segmentation:
    stand_ins, originals = _with_unique_uids(source)
    dataset = hd.seg.Segmentation(
        source_images=stand_ins,
        pixel_array=_stack(regions, segments),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[segment.description for segment in segments],
        series_instance_uid=uids.uid("segmentation", "series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=uids.uid("segmentation", "instance"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL_NAME,
        software_versions=findings.software_version,
        device_serial_number=SERIAL_NUMBER,
        content_label="RESEARCH",
        content_description=RESEARCH_WORDS,
        content_qualification=hd.ContentQualificationValues.RESEARCH,
        series_description=f"Sidewall segmentation: {RESEARCH_WORDS}",
        content_date=created.date(),
        content_time=created.time(),
        series_date=created.date(),
        series_time=created.time(),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        omit_empty_frames=True,
    )
    complete(dataset, source, created)
    _replace_dimension_uid(dataset, uids.uid("segmentation", "dimensions"))
    _restore_references(dataset, source, originals)
    return dataset


def _stack(regions: CaseRegions, segments: list[Segment]) -> npt.NDArray[np.uint8]:
    """Return the masks as (slice, row, column, segment) in the order of the source slices."""
    slices, rows, columns = regions.to_source_grid(regions.labels.voxels).shape
    stack = np.empty((len(segments), slices, rows, columns), dtype=np.uint8)
    for plane, segment in zip(stack, segments, strict=True):
        plane[...] = regions.to_source_grid(segment.mask)
    return np.moveaxis(stack, 0, -1)


def _algorithm(findings: Findings, model: ModelDescription) -> hd.AlgorithmIdentificationSequence:
    return hd.AlgorithmIdentificationSequence(
        name=MODEL_NAME,
        family=codes.ARTIFICIAL_INTELLIGENCE,
        version=findings.software_version,
        source=MANUFACTURER,
        parameters=algorithm_parameters(findings, model),
    )


def _station_segment(
    number: int, station: Station, side: Side, algorithm: hd.AlgorithmIdentificationSequence, uids: ResultUids
) -> hd.seg.SegmentDescription:
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=describe_station(station, side).capitalize(),
        segmented_property_category=codes.ANATOMICAL_STRUCTURE,
        segmented_property_type=codes.PELVIC_LYMPH_NODE,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        tracking_uid=uids.uid("station", station, side),
        tracking_id=f"station {station} {side}",
        anatomic_regions=[codes.STATION_CODES[station]],
        display_color=_lab(STATION_COLOURS[station]),
    )
    description.SegmentDescription = (
        f"Compartment of the {describe_station(station, side)} lymph nodes, without the nodes"
    )
    _add_laterality(description, side)
    return description


def _node_segment(number: int, node: Node, algorithm: hd.AlgorithmIdentificationSequence) -> hd.seg.SegmentDescription:
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=f"Node {node.id} {describe_station(node.station, node.side)}",
        segmented_property_category=codes.ANATOMICAL_STRUCTURE,
        segmented_property_type=codes.LYMPH_NODE,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        tracking_uid=node.tracking_uid,
        tracking_id=f"node {node.id}",
        anatomic_regions=[station_code(node.station)],
        display_color=_lab(STATUS_COLOURS[node.status]),
    )
    description.SegmentDescription = describe_node(node)
    _add_laterality(description, node.side)
    return description


def station_code(station: Station | None) -> Code:
    """Return the anatomic region of a station; a node outside every station is a pelvic lymph node."""
    return codes.PELVIC_LYMPH_NODE if station is None else codes.STATION_CODES[station]


def _add_laterality(description: hd.seg.SegmentDescription, side: Side) -> None:
    """Add the side as modifier of the anatomic region (PS3.3, 10.5), which highdicom has no argument for."""
    code = codes.LATERALITY_CODES.get(side)
    if code is not None:
        region = description.AnatomicRegionSequence[0]
        region.AnatomicRegionModifierSequence = [hd.sr.CodedConcept.from_code(code)]


def _lab(colour: Colour) -> hd.color.CIELabColor:
    return hd.color.CIELabColor.from_rgb(*colour)


def _with_unique_uids(source: SourceImages) -> tuple[list[Dataset], dict[str, int]]:
    """Return stand-ins whose instance UIDs tell frames of one enhanced instance apart, and UID -> slice index."""
    stand_ins = []
    for index, plane in enumerate(source.slices):
        stand_in = deepcopy(plane)
        if source.frame_numbers[index] is not None:
            stand_in.SOPInstanceUID = f"2.25.{index + 1}"
        stand_ins.append(stand_in)
    return stand_ins, {str(stand_in.SOPInstanceUID): index for index, stand_in in enumerate(stand_ins)}


def _restore_references(dataset: Dataset, source: SourceImages, originals: dict[str, int]) -> None:
    """Point the references at the real instances, with frame numbers for an enhanced one."""
    frames = dataset.PerFrameFunctionalGroupsSequence
    items = [item for frame in frames for item in frame.DerivationImageSequence[0].SourceImageSequence]
    # Segments on one slice share one item, which must be changed once.
    for item in {id(item): item for item in items}.values():
        index = originals[str(item.ReferencedSOPInstanceUID)]
        item.ReferencedSOPClassUID = source.sop_class_uid
        item.ReferencedSOPInstanceUID = source.slices[index].SOPInstanceUID
        frame_number = source.frame_numbers[index]
        if frame_number is not None:
            item.ReferencedFrameNumber = frame_number
    references = []
    for instance in source.instances:
        reference = Dataset()
        reference.ReferencedSOPClassUID = instance.SOPClassUID
        reference.ReferencedSOPInstanceUID = instance.SOPInstanceUID
        references.append(reference)
    dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence = references


def _replace_dimension_uid(dataset: Dataset, uid: str) -> None:
    """Replace the random dimension organization UID, so that the bytes repeat."""
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid
