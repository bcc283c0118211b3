"""The DICOM SEG: stations and nodes as segments on the grid of the source images."""

from copy import deepcopy
from dataclasses import dataclass

import highdicom as hd
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian
from sidewall.vocabulary import Colour

from core.findings import Findings, Node
from core.labels import Side, Station
from runtime.results import codes
from runtime.results.context import ResultContext
from runtime.results.palette import STATION_COLOURS, STATUS_COLOURS
from runtime.results.regions import CaseRegions
from runtime.results.source import SourceImages
from runtime.results.uids import ResultUids
from runtime.results.words import (
    BODY_PART,
    MANUFACTURER,
    MODEL_NAME,
    RESEARCH_WORDS,
    algorithm_parameters,
    describe_node,
    describe_station,
    station_identifier,
    tracking_identifier,
)


@dataclass(frozen=True, eq=False)
class SegmentationObject:
    """An encoded SEG and where each node is in it."""

    dataset: hd.seg.Segmentation
    node_segments: dict[int, int]
    """Node id -> segment number."""

    station_segments: dict[tuple[Station, Side], int]
    """Station and side -> segment number."""


def build_segmentation(context: ResultContext, regions: CaseRegions) -> SegmentationObject | None:
    """Return the SEG of a case, or None when nothing was segmented: an empty SEG has no frame to encode.

    Stations come first, then the nodes in the order of the findings. Raises `ValueError` when the nodes of the
    findings are not those of `regions.instances`.
    """
    source, findings, uids = context.source, context.findings, context.uids
    _check_nodes(findings, regions)
    stations = {key: number for number, key in enumerate(regions.station_masks(), start=1)}
    nodes = {node.id: number for number, node in enumerate(findings.nodes, start=len(stations) + 1)}
    if not stations and not nodes:
        return None
    algorithm = _algorithm(findings)
    descriptions = [_station_segment(number, *key, algorithm, uids) for key, number in stations.items()]
    descriptions += [_node_segment(nodes[node.id], node, algorithm) for node in findings.nodes]
    stand_ins, originals = _with_unique_uids(source)
    dataset = hd.seg.Segmentation(
        source_images=stand_ins,
        pixel_array=regions.to_source_grid(_segment_numbers(regions, stations, nodes)),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=descriptions,
        content_label="RESEARCH",
        content_description=RESEARCH_WORDS,
        content_qualification=hd.ContentQualificationValues.RESEARCH,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        omit_empty_frames=True,
        **context.attributes("segmentation"),
    )
    context.complete(dataset)
    dataset.BodyPartExamined, dataset.ContentCreatorName = BODY_PART, MODEL_NAME
    _replace_dimension_uid(dataset, uids.uid("segmentation", "dimensions"))
    _restore_references(dataset, source, originals)
    return SegmentationObject(dataset, nodes, stations)


def _check_nodes(findings: Findings, regions: CaseRegions) -> None:
    mapped = [int(value) for value in np.unique(regions.instances.voxels) if value != 0]
    found = sorted(node.id for node in findings.nodes)
    if mapped != found:
        raise ValueError(f"the findings hold the nodes {found}, the instance map holds {mapped}")


def _segment_numbers(
    regions: CaseRegions, stations: dict[tuple[Station, Side], int], nodes: dict[int, int]
) -> npt.NDArray[np.uint16]:
    """Return the number of the segment that each canonical voxel (z, y, x) belongs to, 0 for none."""
    number_of_node = np.zeros(max(nodes, default=0) + 1, dtype=np.uint16)
    for node_id, number in nodes.items():
        number_of_node[node_id] = number
    numbers: npt.NDArray[np.uint16] = number_of_node[regions.instances.voxels]
    for key, mask in regions.station_masks().items():
        numbers[mask] = stations[key]
    return numbers


def _algorithm(findings: Findings) -> hd.AlgorithmIdentificationSequence:
    return hd.AlgorithmIdentificationSequence(
        name=MODEL_NAME,
        family=codes.ARTIFICIAL_INTELLIGENCE,
        version=findings.software_version,
        source=MANUFACTURER,
        parameters=algorithm_parameters(findings),
    )


def _station_segment(
    number: int, station: Station, side: Side, algorithm: hd.AlgorithmIdentificationSequence, uids: ResultUids
) -> hd.seg.SegmentDescription:
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=describe_station(station, side).capitalize(),
        segmented_property_category=codes.SPATIAL_CONCEPT,
        segmented_property_type=codes.STATION_REGION,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        tracking_uid=uids.uid("station", station, side),
        tracking_id=station_identifier(station, side),
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
        tracking_id=tracking_identifier(node),
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
    dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence = _references(source)
    if "SourceImageSequence" in dataset:
        dataset.SourceImageSequence = _references(source)


def _references(source: SourceImages) -> list[Dataset]:
    """Return one item per real instance."""
    references = []
    for instance in source.instances:
        reference = Dataset()
        reference.ReferencedSOPClassUID = instance.SOPClassUID
        reference.ReferencedSOPInstanceUID = instance.SOPInstanceUID
        references.append(reference)
    return references


def _replace_dimension_uid(dataset: Dataset, uid: str) -> None:
    """Replace the random dimension organization UID, so that the bytes repeat."""
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid
