"""Whom instances are about: one patient, and whether all of them say that it is a phantom."""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from pydicom.dataset import Dataset

from core.counting import counted
from core.errors import RefusalCode
from core.reading.elements import element_value
from core.reading.notes import Notes


def check_identity(instances: Sequence[Dataset], notes: Notes) -> None:
    """Note a reason to refuse where the instances are about several patients; no text says who they are."""
    differing = differing_identity(instances)
    if differing:
        notes.refuse(
            RefusalCode.MIXED_PATIENTS,
            f"the instances are of several patients: they differ in {', '.join(differing)}; allowed: one patient",
        )
    if not any(_said(instance, "PatientID", _trimmed) for instance in instances):
        notes.warn("Patient ID (0010,0020) is empty: an archive can match the results by name and study alone")
    marked = sum(is_marked_as_phantom(instance) for instance in instances)
    if 0 < marked < len(instances):
        notes.warn(
            f"only {marked} of {counted(len(instances), 'instance')} say that the subject is a phantom: taken for a "
            "patient"
        )


def differing_identity(instances: Iterable[Dataset], *, absent_differs: bool = True) -> tuple[str, ...]:
    """Return in what the instances' patients differ, in words; empty for one patient.

    A patient ID that some do not state differs, unless `absent_differs` is false. Any other element may be left out by
    some where the ID is stated.
    """
    headers = list({id(instance): instance for instance in instances}.values())
    found = {what: {_said(header, keyword, normal) for header in headers} for what, keyword, normal in _ELEMENTS}
    is_strict = absent_differs and "" in found[_PATIENT_ID]
    return tuple(what for what, values in found.items() if len(values if is_strict else values - {""}) > 1)


def is_marked_as_phantom(instance: Dataset) -> bool:
    """Return whether an instance says that its subject is a quality control phantom (0010,0200)."""
    return str(element_value(instance, "QualityControlSubject") or "").strip().upper() == "YES"


def _said(header: Dataset, keyword: str, normal: Callable[[str], str]) -> str:
    value = element_value(header, keyword)
    return "" if value is None else normal(str(value))


def _trimmed(text: str) -> str:
    return text.strip(" \0")


def _name(text: str) -> str:
    """Return a name without case, padding and empty components, whatever characters its letters are composed of."""
    folded = unicodedata.normalize("NFKC", text.replace("\0", "")).casefold()
    groups = (
        "^".join(filter(None, (" ".join(part.split()) for part in group.split("^")))) for group in folded.split("=")
    )
    return "=".join(filter(None, groups))


def _date(text: str) -> str:
    """Return the digits of a date, which old files write as 1950.01.31; zeros stand for an unknown one."""
    digits = "".join(character for character in text if character.isdigit())
    return digits if digits.strip("0") else ""


def _sex(text: str) -> str:
    return text.strip().upper()


_PATIENT_ID: Final = "patient ID"

_ELEMENTS: Final[tuple[tuple[str, str, Callable[[str], str]], ...]] = (
    (_PATIENT_ID, "PatientID", _trimmed),
    ("issuer of the patient ID", "IssuerOfPatientID", _trimmed),
    ("name", "PatientName", _name),
    ("birth date", "PatientBirthDate", _date),
    ("sex", "PatientSex", _sex),
)
"""What tells patients apart: in words, keyword, and what of the value counts."""
