"""One case from its files to the dataset: find the series, read, place, check, measure, write."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np

from core.errors import CaseRefused, RefusalCode
from core.judging.assessing import assess_stations
from core.labelmaps import ForeignLabels, place_label_map, read_label_map, segmentation_of
from core.measuring.midline import Midline, fit_midline
from core.measuring.nodes import MeasuredNodes, find_nodes
from core.reading import read_series
from core.reading.elements import element_value
from core.rules import ScoringRules
from core.segmentation import Segmentation
from core.series import Series
from core.volume import Volume, canonicalise
from training.dataset import write_case
from training.intake import case_checks
from training.intake.choosing import choose_series
from training.intake.continuity import suspect_gaps
from training.intake.dicom_index import FoundSeries
from training.intake.faults import CaseRejected, Fault, FaultCode, faults_of
from training.intake.geometry import describe_difference
from training.intake.label_table import LabelTable
from training.intake.orientation import suspect_mirror
from training.intake.pairing import PairedCase, patient_pseudonym
from training.intake.records import CaseContent, CaseRecord, NodeRecord, Scanner
from training.intake.thumbnails import thumbnail
from training.splits import NodeStatus

RULES: Final = replace(ScoringRules(), min_short_axis_mm=0.0)
"""As `sidewall score` measures, but every drawn node counts, whatever its short axis."""


@dataclass(frozen=True)
class Intake:
    """What holds for every case."""

    raw: Path
    """nnU-Net's raw folder of the dataset."""

    labels: LabelTable
    trained_on: str
    """`phantom` or `clinical`."""

    salt: str = field(repr=False)


@dataclass(frozen=True, eq=False)
class _ReadCase:
    """Image and mask of a case on one canonical grid."""

    found: FoundSeries
    series: Series
    image: Volume
    labels: Volume


@dataclass(frozen=True, eq=False)
class _Measured:
    """What the mask of a case shows."""

    segmentation: Segmentation
    midline: Midline
    nodes: MeasuredNodes


def take_cases(cases: Sequence[PairedCase], intake: Intake, processes: int) -> Iterator[CaseRecord]:
    """Take the cases in, several at a time; yields what came of each, in the order in which they are done."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(take_case, case, intake) for case in cases]):
            yield done.result()


def take_case(case: PairedCase, intake: Intake) -> CaseRecord:
    """Check one case and write it into the dataset; a case that fails a check is not written and says why."""
    record = CaseRecord(case.name, case.hospital, case.split, case.mask)
    try:
        foreign = _read_mask(case.mask)
        read = _read(case, foreign, intake)
        case_checks.require_stations(read.labels)
    except CaseRefused as refusal:
        return record.rejected(*faults_of(refusal))
    except CaseRejected as rejection:
        return record.rejected(*rejection.faults)
    measured = _measure(read.image, read.labels)
    record = record.warned(*_warnings(case, read, measured))
    if intake.labels.leaves_status_open(foreign):
        record = record.warned(*case_checks.warn_of_status(measured.nodes, RULES))
        read = replace(read, labels=case_checks.status_by_size(read.labels, measured.nodes, RULES))
        measured = _measure(read.image, read.labels)
    record = replace(record, content=_content(case, read, measured, intake))
    faults = [*case_checks.check_sides(measured.midline), *suspect_mirror(read.image, read.labels)]
    faults += [] if faults else suspect_gaps(read.image, read.labels)
    faults = [fault for fault in faults if fault.code not in case.accept]
    if faults:
        return replace(record.rejected(*faults), thumbnail=thumbnail(read.image, read.labels))
    write_case(intake.raw, case.name, read.image, read.labels, "Ts" if case.split == "test" else "Tr")
    return record


def _read_mask(path: Path) -> ForeignLabels:
    if not path.is_file():
        raise CaseRejected(Fault(FaultCode.NO_MASK, "no file where the mask should be; allowed: a label map"))
    return read_label_map(path)


def _read(case: PairedCase, foreign: ForeignLabels, intake: Intake) -> _ReadCase:
    """Return image and labels; raises `CaseRefused` and `CaseRejected`."""
    found = choose_series(case.candidates, foreign.volume)
    series = read_series(found.source())
    if series.is_phantom and intake.trained_on != "phantom":
        message = "the subject is a phantom (QualityControlSubject is YES) in a dataset that says clinical"
        raise CaseRejected(Fault(FaultCode.PHANTOM_SUBJECT, message))
    image = canonicalise(series.volume)[0]
    try:
        labels = place_label_map(foreign, image, intake.labels.meanings_of(foreign))
    except CaseRefused as refusal:
        if refusal.reasons[0].code is not RefusalCode.LABEL_MAP_MISMATCH:
            raise
        message = f"the mask does not lie on the image's voxels: {describe_difference(image, foreign.volume)}"
        raise CaseRejected(Fault(RefusalCode.LABEL_MAP_MISMATCH, message)) from refusal
    return _ReadCase(found, series, image, labels)


def _measure(image: Volume, labels: Volume) -> _Measured:
    segmentation = segmentation_of(labels, judged=True)
    midline = fit_midline(image, segmentation)
    nodes = find_nodes(image, segmentation, midline, RULES, tracking_seed="", demonstration=False)
    return _Measured(segmentation, midline, nodes)


def _warnings(case: PairedCase, read: _ReadCase, measured: _Measured) -> Iterator[Fault]:
    yield from case_checks.warn_of_midline(measured.midline)
    assessed = assess_stations(measured.segmentation, measured.midline, RULES)
    yield from case_checks.warn_of_stations(assessed, measured.midline, RULES)
    yield from case_checks.warn_of_nodes(read.labels, measured.nodes, RULES)
    if not case.patient and not read.found.patient_id:
        message = "neither table nor header name the patient; the study counts as a patient of its own"
        yield Fault(FaultCode.PATIENT_NOT_STATED, message)


def _content(case: PairedCase, read: _ReadCase, measured: _Measured, intake: Intake) -> CaseContent:
    nodes = tuple(
        NodeRecord(node.side, node.station, round(node.short_axis_mm, 2), node.status_by_label == "positive")
        for node in measured.nodes.nodes
    )
    patient = case.patient or patient_pseudonym(intake.salt, read.found.patient_id or f"study {read.found.study_uid}")
    pixels = np.ascontiguousarray(read.image.voxels, dtype=np.float32).tobytes()
    z, y, x = (round(value, 4) for value in read.image.spacing_mm)
    return CaseContent(
        patient=patient,
        node_status=_status(nodes),
        shape=read.image.shape,
        spacing_mm=(z, y, x),
        scanner=_scanner(read.series),
        nodes=nodes,
        pixels_sha256=hashlib.sha256(pixels).hexdigest(),
        labels_sha256=hashlib.sha256(np.ascontiguousarray(read.labels.voxels).tobytes()).hexdigest(),
        instance_uids=read.found.instance_uids,
        place=read.found.place,
    )


def _status(nodes: Sequence[NodeRecord]) -> NodeStatus:
    if any(node.positive for node in nodes):
        return "positive"
    return "negative" if nodes else "no_nodes"


def _scanner(series: Series) -> Scanner:
    header = series.headers[0]
    words = {name: str(element_value(header, name) or "").strip()[:64] for name in _SCANNER}
    shown = {name: word if word.isprintable() and word else "not stated" for name, word in words.items()}
    try:
        field_strength_t = round(float(element_value(header, "MagneticFieldStrength")), 2)
    except (TypeError, ValueError):
        field_strength_t = None
    return Scanner(shown["Manufacturer"], shown["ManufacturerModelName"], field_strength_t)


_SCANNER: Final = ("Manufacturer", "ManufacturerModelName")
