"""Findings in a DICOM SR after TID 1500 as the appliance writes it, read with pydicom alone.

Codes are those of the conformance statement (docs/dicom_conformance.md); statuses without a standard code are private,
under `99SIDEWALL`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from sidewall import vocabulary

from analytics.study.case_record import CaseRecord, NodeRecord

Code = tuple[str, str]
"""Code value and coding scheme."""

_STATUS: Final[dict[Code, str]] = {code.key: status for status, code in vocabulary.STATUS_CODES.items()}
_STATION: Final[dict[Code, str]] = {each.code.key: each.name for each in vocabulary.STATIONS}
_SIDE: Final[dict[Code, str]] = {code.key: side for side, code in vocabulary.SIDE_CODES.items()}
_GROUP: Final = vocabulary.MEASUREMENT_GROUP.key
_CASE_STATUS: Final = vocabulary.CASE_STATUS.key
_NODE_STATUS: Final = vocabulary.NODE_STATUS.key
_NODE_STATION: Final = vocabulary.NODE_STATION.key
_FINDING_SITE: Final = vocabulary.FINDING_SITE.key
_LATERALITY: Final = vocabulary.LATERALITY.key
_SHORT_AXIS: Final = vocabulary.SHORT_AXIS.key
_PROBABILITY: Final = vocabulary.PROBABILITY.key


def read_report(path: Path) -> CaseRecord:
    """Return the case of one DICOM SR, named by its Patient ID (0010,0020).

    Raises `ValueError` when it is no DICOM SR of this appliance, or says nothing of the case's status.
    """
    try:
        report = dcmread(path)
    except (InvalidDicomError, OSError, EOFError):
        raise ValueError("no DICOM file") from None
    if report.get("Modality") != "SR" or "ContentSequence" not in report:
        raise ValueError(f"a DICOM object of modality {report.get('Modality')!r}")
    case_status, nodes = None, []
    for group in _groups(report):
        codes = {_code(item.ConceptNameCodeSequence): item for item in group.get("ContentSequence", [])}
        if _CASE_STATUS in codes:
            case_status = _STATUS.get(_code(codes[_CASE_STATUS].ConceptCodeSequence))
        elif _NODE_STATUS in codes:
            nodes.append(_node(codes))
    if case_status is None:
        raise ValueError("a report that does not say the status of the case")
    probabilities = [probability for _, probability in nodes if probability is not None]
    patient = str(report.get("PatientID", ""))
    if not patient:
        raise ValueError("a report without Patient ID")
    known = None if case_status in ("demonstration", "refused") else max(probabilities, default=0.0)
    return CaseRecord(patient, case_status, known, tuple(node for node, _ in nodes))


def _groups(item: Dataset) -> Iterator[Dataset]:
    for child in item.get("ContentSequence", []):
        if _code(child.get("ConceptNameCodeSequence")) == _GROUP:
            yield child
        else:
            yield from _groups(child)


def _node(items: dict[Code, Dataset]) -> tuple[NodeRecord, float | None]:
    status = _STATUS.get(_code(items[_NODE_STATUS].ConceptCodeSequence))
    short_axis_mm = _number(items.get(_SHORT_AXIS))
    if status is None or short_axis_mm is None:
        raise ValueError("a node without a status that is known, or without a short axis")
    station, probability = items.get(_NODE_STATION), _number(items.get(_PROBABILITY))
    site = items.get(_FINDING_SITE, Dataset())
    sides = [_SIDE.get(_code(part.ConceptCodeSequence)) for part in site.get("ContentSequence", [])
             if _code(part.ConceptNameCodeSequence) == _LATERALITY]  # fmt: skip
    return (
        NodeRecord(
            status,
            next((side for side in sides if side), "unknown"),
            None if station is None else _STATION.get(_code(station.ConceptCodeSequence)),
            short_axis_mm,
            probability,
        ),
        probability,
    )


def _code(sequence: Any) -> Code:
    if not sequence:
        return ("", "")
    return (str(sequence[0].get("CodeValue", "")), str(sequence[0].get("CodingSchemeDesignator", "")))


def _number(item: Dataset | None) -> float | None:
    return None if item is None else float(item.MeasuredValueSequence[0].NumericValue)
