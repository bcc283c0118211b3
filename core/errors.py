"""Why a case was not analysed: reasons with codes, and a text that holds no patient data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from base.errors import SidewallError

if TYPE_CHECKING:  # The command line loads this module before anything heavy.
    from pydicom.dataset import Dataset


class RefusalCode(StrEnum):
    """Why a case was not analysed; stable words on the wire, in findings.json and in exit messages."""

    EMPTY_INPUT = "empty_input"
    NOT_DICOM = "not_dicom"
    SEVERAL_SERIES = "several_series"
    MIXED_PATIENTS = "mixed_patients"
    NO_SUITABLE_SERIES = "no_suitable_series"
    TIED_SERIES = "tied_series"
    NOT_MR = "not_mr"
    NOT_T2 = "not_t2"
    DERIVED_IMAGE = "derived_image"
    NOT_AXIAL = "not_axial"
    MISSING_SLICE = "missing_slice"
    DUPLICATE_SLICE = "duplicate_slice"
    MIXED_GEOMETRY = "mixed_geometry"
    MISSING_GEOMETRY = "missing_geometry"
    TOO_FEW_SLICES = "too_few_slices"
    TOO_COARSE = "too_coarse"
    TOO_LARGE = "too_large"
    UNREADABLE_PIXELS = "unreadable_pixels"
    NO_SIGNAL = "no_signal"
    UNSUPPORTED_PIXELS = "unsupported_pixels"
    INCOMPLETE_TRANSFER = "incomplete_transfer"
    INVALID_VOLUME = "invalid_volume"
    UNREADABLE_LABEL_MAP = "unreadable_label_map"
    LABEL_MAP_MISMATCH = "label_map_mismatch"
    UNKNOWN_LABEL = "unknown_label"
    # Gates that warn unless the site lets them refuse.
    FIELD_OF_VIEW = "field_of_view"
    INPUT_STATISTICS = "input_statistics"
    FAR_FROM_TRAINING = "far_from_training"
    GREY_LEVELS = "grey_levels"
    ODD_SLICES = "odd_slices"
    DEAD_ZONES = "dead_zones"
    IMAGE_ARTEFACTS = "image_artefacts"
    MIDLINE = "midline"
    STATIONS_MISSING = "stations_missing"
    STATIONS_IMBALANCE = "stations_imbalance"
    NODES_OUTSIDE_STATIONS = "nodes_outside_stations"
    NODE_COUNT = "node_count"
    FOLD_AGREEMENT = "fold_agreement"


@dataclass(frozen=True)
class Reason:
    """One reason of a refusal."""

    code: RefusalCode
    message: str
    """What was got and what is allowed; no patient data."""

    slices: tuple[int, ...] = field(default=(), compare=False)
    """Which slices (or frames) it is about, for a picture: 0-based, as they came; empty when about no single ones."""


class CaseRefused(SidewallError):
    """The input cannot be analysed; carries every reason found, not only the first.

    `headers` are what could be read of the refused instances, without pixels: whom the refusal is about.
    `taken_series_numbers` are those of the study's other series as far as they are known: results have others.
    """

    code = "refused"

    def __init__(self, reasons: Iterable[Reason], headers: Iterable[Dataset] = ()) -> None:
        self.reasons = tuple(reasons)
        self.headers = tuple(headers)
        self.taken_series_numbers: frozenset[int] = frozenset()
        super().__init__("; ".join(f"{reason.code}: {reason.message}" for reason in self.reasons))


class AnalysisCancelled(SidewallError):
    """The caller cancelled, or the deadline passed, and the work was stopped."""

    code = "cancelled"
