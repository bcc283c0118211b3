"""Headers as other people's systems leave them: code strings understood, unreadable secondary elements left out.

What decides about a case (places, spacing, echo time, pixels, identity) may refuse it and is never left out; all else
that is read or copied into results is, with one warning for each element.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from pydicom.datadict import dictionary_description
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag
from pydicom.valuerep import format_number_as_ds

from core.counting import counted
from core.errors import RefusalCode
from core.reading.elements import PARSE_ERRORS, items_of
from core.reading.legal_values import fault_of, quoted, texts_of
from core.reading.notes import Notes
from core.series import PATIENT_AND_STUDY, PATIENT_AND_STUDY_WHERE_PRESENT

IDENTITY: Final = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
"""Elements that say whose and which images they are; results repeat them, so each has to be legal."""

_DECIDING: Final[dict[str, RefusalCode]] = {
    **dict.fromkeys(IDENTITY, RefusalCode.NOT_DICOM),
    "FrameOfReferenceUID": RefusalCode.MISSING_GEOMETRY,
    "ImagePositionPatient": RefusalCode.MISSING_GEOMETRY,
    "ImageOrientationPatient": RefusalCode.MISSING_GEOMETRY,
    "PixelSpacing": RefusalCode.MISSING_GEOMETRY,
    "EchoTime": RefusalCode.NOT_T2,
    "EffectiveEchoTime": RefusalCode.NOT_T2,
    "RescaleSlope": RefusalCode.UNSUPPORTED_PIXELS,
    "RescaleIntercept": RefusalCode.UNSUPPORTED_PIXELS,
}
"""Element -> why a case is refused where it cannot be read."""

SECONDARY: Final = tuple(
    keyword
    for keyword in (
        "PatientName", *PATIENT_AND_STUDY, *PATIENT_AND_STUDY_WHERE_PRESENT, "PositionReferenceIndicator",
        "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod", "Manufacturer",
        "ManufacturerModelName", "MagneticFieldStrength", "RepetitionTime", "SliceThickness", "SpacingBetweenSlices",
        "DiffusionBValue",
    )
    if keyword not in IDENTITY
)  # fmt: skip
"""Elements that are copied or read where they are there."""

CODE_STRINGS: Final = (
    "Modality", "ImageType", "FrameType", "ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType",
    "PhotometricInterpretation", "LossyImageCompression", "EchoPulseSequence", "EchoPlanarPulseSequence",
    "InversionRecovery", "AcquisitionContrast", "SpectrallySelectedSuppression", "ComplexImageComponent",
    "ContrastBolusAgentAdministered", "BodyPartExamined", "PatientSex", "QualityControlSubject",
    "PatientIdentityRemoved", "LossyImageCompressionMethod",
)  # fmt: skip
"""Code strings that are read or copied: DICOM has them in capitals."""

_POSITIVE: Final = frozenset({"SliceThickness", "MagneticFieldStrength"})
_WORDS: Final = {
    "PatientSex": frozenset({"M", "F", "O"}),
    "QualityControlSubject": frozenset({"YES", "NO"}),
    "PatientIdentityRemoved": frozenset({"YES", "NO"}),
    "LossyImageCompression": frozenset({"00", "01"}),
}
"""Code strings that the standard gives an enumeration for."""

_COPIED_DECIMALS: Final = (
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "PatientSize",
    "PatientWeight", "LossyImageCompressionRatio",
)  # fmt: skip
_DECIMAL_CHARACTERS: Final = 16


def mend_headers(images: Sequence[Dataset], notes: Notes) -> None:
    """Understand lower case, leave unreadable secondary elements out with a warning, refuse unreadable deciding ones.

    Changes the datasets. A message names the element and what is wrong with it; it quotes numbers alone.
    """
    for image in images:
        understand_code_strings(image)
    for keyword, code in _DECIDING.items():
        said = _said_of(keyword, images)
        if said is not None:
            notes.refuse(code, f"{said}; allowed: {_ALLOWED.get(keyword, 'a legal value')}")
    for keyword in SECONDARY:
        said = _said_of(keyword, images)
        if said is not None:
            notes.warn(f"{said}: left out")
            _leave_out(keyword, images)
    for image in images:
        _shorten_decimals(image)


def understand_code_strings(dataset: Dataset) -> None:
    """Put the code strings of an instance and of its functional groups into capitals."""
    for place in _places(dataset):
        for keyword in CODE_STRINGS:
            if keyword not in place:
                continue
            try:
                texts = texts_of(place, Tag(keyword))
                capitals = [text.upper() for text in texts]
                if list(texts) != capitals:
                    place.add_new(Tag(keyword), "CS", capitals if len(capitals) > 1 else capitals[0])
            except PARSE_ERRORS:
                continue  # left out, or said to be unknown, by whoever reads it


def _shorten_decimals(image: Dataset) -> None:
    """Round decimals of more than 16 characters (PS3.5, 6.2) to what fits: writers that know no limit are many."""
    for place in _places(image):
        for keyword in _COPIED_DECIMALS:
            if keyword not in place or fault_of(place, Tag(keyword)) is not None:
                continue
            texts = texts_of(place, Tag(keyword))
            if any(len(text) > _DECIMAL_CHARACTERS for text in texts):
                short = [format_number_as_ds(float(text)) for text in texts]
                place.add_new(Tag(keyword), "DS", short if len(short) > 1 else short[0])


def _said_of(keyword: str, images: Sequence[Dataset]) -> str | None:
    """Return which element is at fault and why, with the number of images; None if it is legal in all of them."""
    tag = Tag(keyword)
    faults = [fault for image in images if (fault := _fault_in(keyword, tag, image)) is not None]
    if not faults:
        return None
    some = "" if len(faults) == len(images) else f" in {len(faults)} of {counted(len(images), 'image')}"
    # The least of several texts, so that the order of the files has no say.
    return f"{dictionary_description(tag)} ({tag.group:04X},{tag.element:04X}) {min(faults)}{some}"


def _fault_in(keyword: str, tag: BaseTag, image: Dataset) -> str | None:
    for place in _places(image):
        if keyword in place:
            fault = fault_of(place, tag) or _fault_of_meaning(keyword, tag, place)
            if fault is not None:
                return f"{fault}{quoted(place, tag)}"
    return None


def _fault_of_meaning(keyword: str, tag: BaseTag, place: Dataset) -> str | None:
    """Return what is wrong with a value that its representation allows."""
    if keyword not in _POSITIVE and keyword not in _WORDS:
        return None
    texts = texts_of(place, tag)
    if keyword in _POSITIVE:
        return "is not above zero" if any(float(text) <= 0 for text in texts) else None
    return None if set(texts) <= _WORDS[keyword] else "is no known word"


def _leave_out(keyword: str, images: Sequence[Dataset]) -> None:
    for image in images:
        if _fault_in(keyword, Tag(keyword), image) is None:
            continue
        for place in _places(image):
            if keyword in place:
                del place[keyword]


def _places(image: Dataset) -> Iterator[Dataset]:
    """Yield an instance and the items of its functional group macros (PS3.3, C.7.6.16)."""
    yield image
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for item in items_of(image, groups):
            for macro in _MACROS:
                yield from items_of(item, macro)


_MACROS: Final = (
    "PixelMeasuresSequence", "PlanePositionSequence", "PlaneOrientationSequence", "MRImageFrameTypeSequence",
    "MREchoSequence", "MRTimingAndRelatedParametersSequence", "PixelValueTransformationSequence",
    "MRModifierSequence", "MRDiffusionSequence",
)  # fmt: skip

_ALLOWED: Final = {
    **dict.fromkeys(("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"), "one UID"),
    "PatientID": "one text of at most 64 characters",
    "ImagePositionPatient": "three numbers, mm",
    "ImageOrientationPatient": "six numbers",
    "PixelSpacing": "two numbers, mm",
    "EchoTime": "one number, ms",
    "EffectiveEchoTime": "one number, ms",
    "RescaleSlope": "one number",
    "RescaleIntercept": "one number",
}
