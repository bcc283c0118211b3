"""Words for people that more than one part of the program says: names of quality checks, reasons to refuse."""

from collections.abc import Iterable
from typing import Final

from core.errors import RefusalCode

_NO_VERDICT: Final = "no verdict is given: "
"""What the warning begins with that says why an analysed case has no verdict."""

REFUSAL_MEANINGS: Final[dict[str, str]] = {
    RefusalCode.EMPTY_INPUT: "No input",
    RefusalCode.NOT_DICOM: "Not readable as DICOM images",
    RefusalCode.SEVERAL_SERIES: "More than one series, study or patient",
    RefusalCode.MIXED_PATIENTS: "Instances of several patients",
    RefusalCode.NO_SUITABLE_SERIES: "No suitable series in the study",
    RefusalCode.TIED_SERIES: "Several series are equally suitable",
    RefusalCode.NOT_MR: "Not a magnetic resonance image",
    RefusalCode.NOT_T2: "Not T2-weighted",
    RefusalCode.DERIVED_IMAGE: "Derived image",
    RefusalCode.NOT_AXIAL: "Not axial",
    RefusalCode.MISSING_SLICE: "A slice is missing",
    RefusalCode.DUPLICATE_SLICE: "A slice comes twice",
    RefusalCode.MIXED_GEOMETRY: "Slices of different geometry",
    RefusalCode.MISSING_GEOMETRY: "Geometry not stated",
    RefusalCode.TOO_FEW_SLICES: "Too few slices",
    RefusalCode.TOO_COARSE: "Resolution too coarse",
    RefusalCode.TOO_LARGE: "Input too large",
    RefusalCode.UNREADABLE_PIXELS: "Pixels cannot be decoded",
    RefusalCode.NO_SIGNAL: "Image without a signal",
    RefusalCode.UNSUPPORTED_PIXELS: "Pixel format not supported",
    RefusalCode.INCOMPLETE_TRANSFER: "Transfer incomplete",
    RefusalCode.INVALID_VOLUME: "Invalid volume",
    RefusalCode.UNREADABLE_LABEL_MAP: "Label map cannot be read",
    RefusalCode.LABEL_MAP_MISMATCH: "Label map does not lie on the image",
    RefusalCode.UNKNOWN_LABEL: "Label map holds an unknown label",
    RefusalCode.FIELD_OF_VIEW: "Field of view may miss the sidewalls",
    RefusalCode.INPUT_STATISTICS: "Image unlike those the model was made for",
    RefusalCode.FAR_FROM_TRAINING: "Image too unlike any that the model knows",
    RefusalCode.GREY_LEVELS: "Too few grey levels",
    RefusalCode.ODD_SLICES: "Slices that are no image of their place",
    RefusalCode.DEAD_ZONES: "Areas without signal inside the body",
    RefusalCode.IMAGE_ARTEFACTS: "A fault runs through the whole image",
    RefusalCode.MIDLINE: "No trustworthy midline",
    RefusalCode.STATIONS_MISSING: "Stations missing",
    RefusalCode.STATIONS_IMBALANCE: "Stations of the two sides differ in size",
    RefusalCode.NODES_OUTSIDE_STATIONS: "Nodes outside every station",
    RefusalCode.NODE_COUNT: "Implausible number of nodes",
    RefusalCode.FOLD_AGREEMENT: "The folds disagree",
}
"""What each reason to refuse says; DICOM results carry these words as code meanings."""

_CHECK_NAMES: Final[dict[str, str]] = {
    RefusalCode.TOO_COARSE: "Resolution",
    RefusalCode.FIELD_OF_VIEW: "Field of view",
    RefusalCode.INPUT_STATISTICS: "Likeness to the training images",
    RefusalCode.FAR_FROM_TRAINING: "Distance from the training images",
    RefusalCode.GREY_LEVELS: "Grey levels",
    RefusalCode.ODD_SLICES: "Slices beside their neighbours",
    RefusalCode.DEAD_ZONES: "Signal inside the body",
    RefusalCode.IMAGE_ARTEFACTS: "Faults of the whole image",
    RefusalCode.MIDLINE: "Midline",
    RefusalCode.STATIONS_MISSING: "Completeness of the stations",
    RefusalCode.STATIONS_IMBALANCE: "Balance of the sides",
    RefusalCode.NODES_OUTSIDE_STATIONS: "Places of the nodes",
    RefusalCode.NODE_COUNT: "Number of nodes",
    RefusalCode.FOLD_AGREEMENT: "Agreement of the folds",
}
"""What each quality check looks at, whatever its outcome."""


def without_verdict(reasons: Iterable[str]) -> str:
    """Return the warning that a case has no verdict for these reasons."""
    return _NO_VERDICT + "; ".join(reasons)


def why_no_verdict(warnings: Iterable[str]) -> str | None:
    """Return the reasons that `without_verdict` told in one of the warnings; None when none of them is one."""
    return next((text.removeprefix(_NO_VERDICT) for text in warnings if text.startswith(_NO_VERDICT)), None)


def name_check(code: str) -> str:
    """Return what a quality check looks at; the words of its code for one that this version does not know."""
    return _CHECK_NAMES.get(code) or _from_code(code)


def name_reason(code: str) -> str:
    """Return what a reason to refuse says; the words of its code for one that this version does not know."""
    return REFUSAL_MEANINGS.get(code) or _from_code(code)


def _from_code(code: str) -> str:
    words = code.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
