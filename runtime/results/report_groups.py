"""The measurement groups of the DICOM SR: one for each station, one for each node.

Where the SEG holds the station or node a group is one of TID 1411, tied to its segment by number and tracking UID, else
one of TID 1501. A node's two axes carry their end points on the source image, in the form in which viewers on dcmjs
and cornerstone keep their own crossed calipers.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from highdicom import sr
from pydicom.sr.coding import Code
from sidewall.vocabulary import CaseStatus

from core.findings import Node, PointLpsMm, StationAssessment
from core.labels import Side, Station
from runtime.results import codes
from runtime.results.context import ResultContext
from runtime.results.panels import fullest_slice, slice_of
from runtime.results.regions import CaseRegions
from runtime.results.report_comparison import compared_evaluations, compared_measurements, time_point_context
from runtime.results.segmentation_object import SegmentationObject, station_code
from runtime.results.source import SourceImages, SourceReference
from runtime.results.words import station_identifier, tracking_identifier

MeasurementGroup = sr.MeasurementsAndQualitativeEvaluations | sr.VolumetricROIMeasurementsAndQualitativeEvaluations

_SIZES: Final = (codes.MILLIMETRE, codes.CUBIC_MILLIMETRE)


def station_group(
    assessment: StationAssessment,
    context: ResultContext,
    regions: CaseRegions,
    segmentation: SegmentationObject | None,
    algorithm: sr.AlgorithmIdentification,
) -> MeasurementGroup:
    """Return what is said of one station of one side; its volume is that of its segment, which holds no node."""
    station, side = assessment.station, assessment.side
    mask = regions.station_masks().get((station, side))
    voxels = 0 if mask is None else int(np.count_nonzero(mask))
    volume_mm3 = voxels * float(np.prod(regions.image.spacing_mm))
    segment = None if segmentation is None else segmentation.station_segments.get((station, side))
    group = _group(
        _segment(segmentation, segment, mask, context.source, regions),
        tracking_identifier=sr.TrackingIdentifier(
            uid=context.uids.uid("station", station, side), identifier=station_identifier(station, side)
        ),
        finding_type=codes.STATION_REGION,
        finding_category=codes.SPATIAL_CONCEPT,
        finding_sites=[_site(station, side)],
        algorithm_id=algorithm,
        measurements=[
            number(codes.VOLUME, round(volume_mm3, 1), codes.CUBIC_MILLIMETRE),
            number(codes.VOLUME_WITH_NODES, round(assessment.volume_mm3, 1), codes.CUBIC_MILLIMETRE),
        ],
        qualitative_evaluations=[
            sr.QualitativeEvaluation(codes.STATION_ASSESSED, _assessed(assessment, context.findings.status))
        ],
    )
    mark_middle(group, codes.VOLUME, mask, context.source, regions)
    return group


def _assessed(assessment: StationAssessment, status: CaseStatus) -> Code:
    """Return whether a station counts as free of nodes where none is shown: a demonstration says so of none."""
    if not assessment.assessed:
        return codes.NO
    return codes.DEMONSTRATION if status == "demonstration" else codes.YES


def node_group(
    node: Node,
    context: ResultContext,
    regions: CaseRegions,
    segmentation: SegmentationObject | None,
    algorithm: sr.AlgorithmIdentification,
) -> MeasurementGroup:
    """Return what is said of one node; without a segment when the SEG could not be written."""
    segment = None if segmentation is None else segmentation.node_segments[node.id]
    mask = regions.instances.voxels == node.id
    group = _group(
        _segment(segmentation, segment, mask, context.source, regions),
        tracking_identifier=sr.TrackingIdentifier(uid=node.tracking_uid, identifier=tracking_identifier(node)),
        time_point_context=time_point_context(context.findings.context),
        finding_type=codes.LYMPH_NODE,
        finding_category=codes.ANATOMICAL_STRUCTURE,
        finding_sites=[_site(node.station, node.side)],
        algorithm_id=algorithm,
        measurements=[*_measurements(node), *compared_measurements(node, context.findings.comparison)],
        qualitative_evaluations=[*_evaluations(node), *compared_evaluations(node, context.findings.comparison)],
    )
    _add_calipers(group, node, context.source, regions)
    return group


def number(name: Code, value: float, unit: Code, **options: Any) -> sr.Measurement:
    """Return one measurement; a whole number is written without decimals (DS, PS3.5, 6.2)."""
    measurement = sr.Measurement(name=name, value=value, unit=unit, **options)
    if isinstance(value, int):
        measurement[0].MeasuredValueSequence[0].NumericValue = str(value)
    return measurement


def _group(segment: sr.ReferencedSegment | None, **content: Any) -> MeasurementGroup:
    if segment is None:
        return sr.MeasurementsAndQualitativeEvaluations(**content)
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **content)


def _segment(
    segmentation: SegmentationObject | None,
    segment_number: int | None,
    mask: npt.NDArray[np.bool_] | None,
    source: SourceImages,
    regions: CaseRegions,
) -> sr.ReferencedSegment | None:
    """Return the reference to a segment and to the source images that show its mask (canonical grid: z, y, x)."""
    if segmentation is None or segment_number is None or mask is None:
        return None
    return sr.ReferencedSegment(
        sop_class_uid=segmentation.dataset.SOPClassUID,
        sop_instance_uid=segmentation.dataset.SOPInstanceUID,
        segment_number=segment_number,
        source_images=[
            sr.SourceImageForSegmentation(*_identity(reference))
            for reference in source.references(regions.to_source_grid(mask))
        ],
    )


def _identity(reference: SourceReference) -> tuple[str, str, list[int] | None]:
    """Return class, instance and frames of a source as highdicom takes them."""
    instance = reference.instance
    return instance.SOPClassUID, instance.SOPInstanceUID, list(reference.frame_numbers) or None


def _measurements(node: Node) -> list[sr.Measurement]:
    """Return the numbers of a node; a demonstration has sizes, and nothing that could be read as a score.

    The axes come first, since the adapters of cornerstone take the first number for the one with coordinates. The
    sizes of a node that the edge of the image cuts are qualified as lower bounds.
    """
    numbers: list[tuple[Code, float | None, Code, int]] = [
        (codes.SHORT_AXIS, node.short_axis_mm, codes.MILLIMETRE, 2),
        (codes.LONG_AXIS, node.long_axis_mm, codes.MILLIMETRE, 2),
        (codes.VOLUME, node.volume_mm3, codes.CUBIC_MILLIMETRE, 1),
        (codes.LONG_AXIS_3D, node.long_axis_3d_mm, codes.MILLIMETRE, 2),
        (codes.SHORT_AXIS_3D, node.short_axis_3d_mm, codes.MILLIMETRE, 2),
    ]
    if node.status != "demonstration":
        numbers += [
            (codes.PROBABILITY, node.probability, codes.NO_UNITS, 4),
            (codes.BORDER_INDEX, node.features.border_irregularity, codes.NO_UNITS, 4),
            (codes.SIGNAL_INDEX, node.features.signal_heterogeneity, codes.NO_UNITS, 4),
        ]
    return [
        number(
            name,
            round(value, digits),
            unit,
            qualifier=codes.LOWER_BOUND if node.cut_by_image and unit in _SIZES else None,
        )
        for name, value, unit, digits in numbers
        if value is not None
    ]


def _add_calipers(group: MeasurementGroup, node: Node, source: SourceImages, regions: CaseRegions) -> None:
    """Add the end points of both axes as lines on the source image of the slice that the node's picture shows."""
    line, shown = sr.GraphicTypeValues.POLYLINE, slice_of(node, regions.image)
    _infer(group, codes.SHORT_AXIS, line, node.axis_endpoints_lps_mm["short"], shown, source, regions)
    _infer(group, codes.LONG_AXIS, line, node.axis_endpoints_lps_mm["long"], shown, source, regions)


def mark_middle(
    group: MeasurementGroup,
    name: Code,
    mask: npt.NDArray[np.bool_] | None,
    source: SourceImages,
    regions: CaseRegions,
) -> None:
    """Add to a number the middle of its mask (canonical grid: z, y, x) on the slice that shows most of it.

    Without a mask it is the midline on the slice that shows most of the stations. OHIF 3.13 draws nothing of a report
    that has a single group without coordinates.
    """
    if mask is None or not mask.any():
        shown, point = fullest_slice(regions.labels), regions.midline.point_lps_mm
    else:
        shown = int(mask.sum(axis=(1, 2)).argmax())
        y, x = np.argwhere(mask[shown]).mean(axis=0)
        point = _as_point(regions.image.index_to_lps_mm((shown, y, x)))
    _infer(group, name, sr.GraphicTypeValues.POINT, (point,), shown, source, regions)


def _as_point(values: npt.NDArray[np.float64]) -> PointLpsMm:
    return float(values[0]), float(values[1]), float(values[2])


def _infer(
    group: MeasurementGroup,
    name: Code,
    graphic: sr.GraphicTypeValues,
    points_lps_mm: Sequence[PointLpsMm],
    slice_index: int,
    source: SourceImages,
    regions: CaseRegions,
) -> None:
    """Add to the number of that name that it was inferred from a graphic on the source image of a canonical slice.

    TID 1411 is extensible and a number may be inferred from coordinates (PS3.3, A.35.13.3.1.2), for which highdicom has
    an argument in groups without a segment only.
    """
    mask = np.zeros(regions.image.shape, dtype=np.bool_)
    mask[slice_index] = True
    on_source = regions.to_source_grid(mask)
    (source_index,) = np.flatnonzero(on_source.any(axis=(1, 2)))
    (reference,) = source.references(on_source)
    places = source.locate(points_lps_mm, int(source_index))
    item = next(each for each in group[0].ContentSequence if each.ValueType == "NUM" and each.name == name)
    graphic_item = sr.CoordinatesForMeasurement(
        graphic_type=graphic,
        graphic_data=places,
        source_image=sr.SourceImageForRegion(*_identity(reference)),
    )
    item.ContentSequence = sr.ContentSequence([*item.get("ContentSequence", ()), graphic_item])


def _evaluations(node: Node) -> list[sr.QualitativeEvaluation]:
    """Return what is said of a node in codes; every status of a demonstration is the word `demonstration`."""
    station = codes.INDETERMINATE if node.station is None else codes.STATION_CODES[node.station]
    is_demonstration = node.status == "demonstration"
    by_rule = node.status if is_demonstration else node.status_by_rule
    by_model = node.status if is_demonstration else node.status_by_model
    evaluations = [
        sr.QualitativeEvaluation(codes.NODE_STATUS, codes.STATUS_CODES[node.status]),
        sr.QualitativeEvaluation(codes.STATUS_BY_RULE, codes.STATUS_CODES[by_rule]),
    ]
    if by_model is not None:
        evaluations.append(sr.QualitativeEvaluation(codes.STATUS_BY_MODEL, codes.STATUS_CODES[by_model]))
    evaluations.append(sr.QualitativeEvaluation(codes.STATION, station))
    answers = [
        (codes.REGIONAL, node.regional),
        (codes.CONGLOMERATE, node.conglomerate),
        (codes.CUT_BY_IMAGE, node.cut_by_image),
    ]
    if not is_demonstration:
        answers += [
            (codes.IRREGULAR_BORDER, node.features.irregular_border),
            (codes.HETEROGENEOUS, node.features.heterogeneous_signal),
        ]
    return evaluations + [
        sr.QualitativeEvaluation(name, codes.YES if answer else codes.NO)
        for name, answer in answers
        if answer is not None
    ]


def _site(station: Station | None, side: Side) -> sr.FindingSite:
    return sr.FindingSite(station_code(station), laterality=codes.LATERALITY_CODES.get(side))
