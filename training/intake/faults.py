"""What can be wrong with a case of one's own data, as codes; reading has its own in `RefusalCode`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from base.errors import SidewallError
from core.errors import CaseRefused, RefusalCode


class FaultCode(StrEnum):
    """Stable words for what is wrong or odd with a case beyond what reading says."""

    # Pairing.
    NO_MASK = "no_mask"
    NO_IMAGE = "no_image"
    AMBIGUOUS_IMAGE = "ambiguous_image"
    # One case.
    NO_STATIONS = "no_stations"
    ONE_SIDED = "one_sided"
    MIRRORED_LEFT_RIGHT = "mirrored_left_right"
    MIRRORED_FRONT_BACK = "mirrored_front_back"
    MIRRORED_HEAD_FEET = "mirrored_head_feet"
    SLICES_MISSING = "slices_missing"
    STATIONS_SWAPPED = "stations_swapped"
    MASK_SHIFTED = "mask_shifted"
    PHANTOM_SUBJECT = "phantom_subject"
    # Several cases.
    DUPLICATE_IMAGE = "duplicate_image"
    PATIENT_IN_TWO_SPLITS = "patient_in_two_splits"
    # Warnings.
    NODE_SPECKS = "node_specks"
    NODE_STATUS_BY_SIZE = "node_status_by_size"
    PATIENT_NOT_STATED = "patient_not_stated"
    PATIENT_IN_TWO_HOSPITALS = "patient_in_two_hospitals"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong or odd."""

    code: FaultCode | RefusalCode
    message: str
    """What was got and what is allowed; no patient data and no path."""

    def to_mapping(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"code": str(self.code), "message": self.message}


ACCEPTABLE: Final = frozenset(
    {
        FaultCode.ONE_SIDED,
        FaultCode.MIRRORED_LEFT_RIGHT,
        FaultCode.MIRRORED_FRONT_BACK,
        FaultCode.MIRRORED_HEAD_FEET,
        FaultCode.SLICES_MISSING,
        FaultCode.STATIONS_SWAPPED,
        FaultCode.MASK_SHIFTED,
    }
)
"""Suspicions drawn from anatomy, which a person who has looked at the case may overrule in the table of cases."""


class CaseRejected(Exception):
    """Ends the work on one case; the others go on."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{fault.code}: {fault.message}" for fault in faults))


class NothingLeft(SidewallError):
    """No case can be trained on."""

    code = "nothing_left"


def faults_of(refusal: CaseRefused) -> tuple[Fault, ...]:
    """Return the reasons of a refused reading."""
    return tuple(Fault(reason.code, reason.message) for reason in refusal.reasons)
