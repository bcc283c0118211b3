"""The key images as Secondary Capture, for a PACS that shows neither SEG nor SR.

The words "RESEARCH - NOT FOR DIAGNOSIS", contours and calipers are burned in; nothing of the patient is.
"""

from collections.abc import Sequence
from typing import Final

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from runtime.results import codes
from runtime.results.context import ResultContext
from runtime.results.key_images import KeyPicture
from runtime.results.regions import CaseRegions
from runtime.results.source import SourceReference
from runtime.results.words import BODY_PART, MANUFACTURER, MODEL_NAME, RESEARCH_WORDS

_ORIENTATION: Final = ("L", "P")
"""Patient directions of rows and columns: the pictures show the canonical grid."""

_LOSSY: Final = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")


def build_captures(
    context: ResultContext, pictures: Sequence[KeyPicture], regions: CaseRegions
) -> tuple[hd.sc.SCImage, ...]:
    """Return one single-frame RGB image per picture, in one series."""
    return tuple(build_capture(context, picture, number, regions) for number, picture in enumerate(pictures, start=1))


def picture_sources(
    context: ResultContext, pictures: Sequence[KeyPicture], regions: CaseRegions
) -> tuple[SourceReference, ...]:
    """Return the sources of the slices that pictures show; every slice without a picture."""
    mask = np.zeros(regions.image.shape, dtype=np.bool_)
    mask[[picture.slice_index for picture in pictures] or slice(None)] = True
    return context.source.references(regions.to_source_grid(mask))


def build_capture(context: ResultContext, picture: KeyPicture, number: int, regions: CaseRegions) -> hd.sc.SCImage:
    """Return one picture as an image of the series of captures; `number` is its place in it, from 1."""
    capture = hd.sc.SCImage.from_ref_dataset(
        ref_dataset=_nameless(context.source.instances[0]),
        pixel_array=np.asarray(picture.image),
        photometric_interpretation=hd.PhotometricInterpretationValues.RGB,
        bits_allocated=8,
        coordinate_system=hd.CoordinateSystemNames.PATIENT,
        patient_orientation=_ORIENTATION,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **context.attributes("captures", picture.name, number),
    )
    context.complete(capture)
    # No laterality: the pelvis is no paired structure, and the picture shows both sides (PS3.3, C.7.3.1, type 2C).
    capture.BodyPartExamined = BODY_PART
    if "Laterality" in capture:
        del capture.Laterality
    capture.ConversionType = hd.sc.ConversionTypeValues.WSD.value
    capture.SecondaryCaptureDeviceManufacturer = MANUFACTURER
    capture.SecondaryCaptureDeviceManufacturerModelName = MODEL_NAME
    capture.SecondaryCaptureDeviceSoftwareVersions = context.findings.software_version
    capture.DateOfSecondaryCapture, capture.TimeOfSecondaryCapture = capture.ContentDate, capture.ContentTime
    capture.BurnedInAnnotation = "YES"
    capture.DerivationDescription = f"{picture.description}. {RESEARCH_WORDS}"
    capture.SourceImageSequence = [_reference(each) for each in picture_sources(context, [picture], regions)]
    for name in _LOSSY:
        if name in context.source.instances[0]:
            setattr(capture, name, context.source.instances[0].get(name))
    return capture


def _nameless(instance: Dataset) -> Dataset:
    """Return a copy without the physician's name, which highdicom would quote in a warning; it is added later."""
    copy = Dataset()
    copy.update(instance)
    copy.add_new("ReferringPhysicianName", "PN", "")
    return copy


def _reference(source: SourceReference) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.instance.SOPClassUID
    reference.ReferencedSOPInstanceUID = source.instance.SOPInstanceUID
    if source.frame_numbers:
        reference.ReferencedFrameNumber = list(source.frame_numbers)
    reference.PurposeOfReferenceCodeSequence = [hd.sr.CodedConcept.from_code(codes.SOURCE_IMAGE)]
    return reference
