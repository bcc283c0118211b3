"""A phantom case as a classic DICOM MR Image Storage series, with the attributes a T2 TSE carries.

The same case gives the same bytes: UIDs derive from the case, the dates are fixed. They derive from its voxels, too, so
that kinds of processor which round some of these apart do not write two images under one UID.
"""

import hashlib
import io
import uuid
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage

from phantom.case import GENERATOR_VERSION, PhantomCase

UID_NAMESPACE = uuid.UUID("0b1a6b5e-7d0c-5b7e-9a4c-51de3a11f00d")
"""Namespace of every UID of the phantom; a constant, so that the same case has the same UIDs in every run."""

IMPLEMENTATION_UID = UID(f"2.25.{uuid.uuid5(UID_NAMESPACE, 'implementation').int}")
IMPLEMENTATION_VERSION = "SIDEWALL_PHANTOM"

ACQUISITION_DATE = "20250101"
"""Fixed, so that the bytes repeat."""

_FIRST_SLICE_TIME_S = 9 * 3600


def series_uid(case: PhantomCase) -> UID:
    """Return the SeriesInstanceUID of a case."""
    return _uid(case, "series")


def build_series(case: PhantomCase) -> list[Dataset]:
    """Return one dataset per slice, from index z = 0 on; raises `ValueError` unless the image is uint16."""
    if case.image.voxels.dtype != np.uint16:
        raise ValueError(f"a phantom image must be uint16, got {case.image.voxels.dtype}")
    return [_slice_dataset(case, index) for index in range(case.image.shape[0])]


def encode_series(case: PhantomCase) -> list[bytes]:
    """Return the instances of a case as DICOM files in memory (Explicit VR Little Endian), in slice order."""
    return [encode_instance(dataset) for dataset in build_series(case)]


def write_series(case: PhantomCase, folder: Path) -> list[Path]:
    """Write the instances of a case as `0001.dcm`, `0002.dcm`, ... and return their paths; makes the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, content in enumerate(encode_series(case), start=1):
        path = folder / f"{number:04d}.dcm"
        path.write_bytes(content)
        paths.append(path)
    return paths


def _uid(case: PhantomCase, role: str) -> UID:
    """Return a UUID-derived UID (PS3.5, B.2) that depends on generator version, seed, content and role."""
    name = f"{GENERATOR_VERSION}/{case.seed}/{_fingerprint(case)}/{role}"
    return UID(f"2.25.{uuid.uuid5(UID_NAMESPACE, name).int}")


def _fingerprint(case: PhantomCase) -> str:
    """Return a digest of voxels, place and settings: options other than the seed make another patient, too."""
    digest = hashlib.sha256(np.ascontiguousarray(case.image.voxels).tobytes())
    digest.update(repr((case.image.spacing_mm, case.image.origin_lps_mm, case.image.direction.tolist())).encode())
    digest.update(repr(astuple(case.acquisition)).encode())
    return digest.hexdigest()


def encode_instance(dataset: Dataset) -> bytes:
    """Return one dataset as a DICOM file in memory."""
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _slice_dataset(case: PhantomCase, index: int) -> Dataset:
    dataset = Dataset()
    _add_patient_and_study(dataset, case)
    _add_series_and_equipment(dataset, case)
    _add_plane(dataset, case, index)
    _add_sequence(dataset, case)
    _add_pixels(dataset, case, index)
    dataset.SOPClassUID = MRImageStorage
    dataset.SOPInstanceUID = _uid(case, f"instance {index}")
    dataset.InstanceNumber = index + 1
    dataset.file_meta = _file_meta(dataset.SOPInstanceUID)
    return dataset


def _file_meta(instance_uid: UID) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = instance_uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION
    return meta


def _add_patient_and_study(dataset: Dataset, case: PhantomCase) -> None:
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = f"PHANTOM^SEED {case.seed}"
    dataset.PatientID = f"PHANTOM-{GENERATOR_VERSION}-{case.seed}"
    dataset.PatientBirthDate = ""
    dataset.PatientSex = "O"
    dataset.QualityControlSubject = "YES"
    dataset.StudyInstanceUID = _uid(case, "study")
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = ACQUISITION_DATE
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = _time(0.0)
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.StudyID = str(case.seed)
    dataset.StudyDescription = "Synthetic pelvic MRI"


def _add_series_and_equipment(dataset: Dataset, case: PhantomCase) -> None:
    acquisition = case.acquisition
    dataset.Modality = "MR"
    dataset.SeriesInstanceUID = series_uid(case)
    dataset.SeriesNumber = 2
    dataset.ProtocolName = "t2_tse_tra_pelvis"
    dataset.SeriesDescription = "t2_tse_tra_pelvis"
    dataset.BodyPartExamined = "PELVIS"
    dataset.PatientPosition = "HFS"
    dataset.FrameOfReferenceUID = _uid(case, "frame of reference")
    dataset.PositionReferenceIndicator = ""
    if case.hospital is not None:
        dataset.InstitutionName = case.hospital
    dataset.Manufacturer = acquisition.manufacturer
    dataset.ManufacturerModelName = acquisition.model_name
    dataset.SoftwareVersions = f"phantom {GENERATOR_VERSION}"


def _add_plane(dataset: Dataset, case: PhantomCase, index: int) -> None:
    image = case.image
    row_direction, column_direction = image.direction[:, 2], image.direction[:, 1]
    dataset.ImageOrientationPatient = [_decimal(value) for value in (*row_direction, *column_direction)]
    dataset.ImagePositionPatient = [_decimal(value) for value in image.index_to_lps_mm((index, 0, 0))]
    dataset.PixelSpacing = [_decimal(image.spacing_mm[1]), _decimal(image.spacing_mm[2])]
    dataset.SliceThickness = _decimal(case.acquisition.slice_thickness_mm)
    dataset.SpacingBetweenSlices = _decimal(image.spacing_mm[0])
    normal = np.cross(row_direction, column_direction)
    dataset.SliceLocation = _decimal(float(normal @ image.index_to_lps_mm((index, 0, 0))))
    dataset.ContentTime = _time(index * 0.1)


def _add_sequence(dataset: Dataset, case: PhantomCase) -> None:
    acquisition = case.acquisition
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "NORM"]
    dataset.ScanningSequence = "SE"
    dataset.SequenceVariant = ["SK", "SP", "OSP"]
    dataset.ScanOptions = ""
    dataset.MRAcquisitionType = "2D"
    dataset.SequenceName = f"tse2d1_{acquisition.echo_train_length}"
    dataset.AngioFlag = "N"
    dataset.RepetitionTime = _decimal(acquisition.repetition_time_ms)
    dataset.EchoTime = _decimal(acquisition.echo_time_ms)
    dataset.EchoTrainLength = acquisition.echo_train_length
    dataset.EchoNumbers = 1
    dataset.FlipAngle = _decimal(acquisition.flip_angle_deg)
    dataset.MagneticFieldStrength = _decimal(acquisition.field_strength_t)
    dataset.ImagingFrequency = _decimal(42.577 * acquisition.field_strength_t)
    dataset.ImagedNucleus = "1H"
    dataset.NumberOfAverages = 2
    dataset.PixelBandwidth = 200
    dataset.PercentSampling = 100
    dataset.PercentPhaseFieldOfView = 100
    dataset.NumberOfPhaseEncodingSteps = case.image.shape[1 if acquisition.phase_axis == "column" else 2]
    dataset.InPlanePhaseEncodingDirection = "ROW" if acquisition.phase_axis == "row" else "COL"
    dataset.TransmitCoilName = "Body"
    dataset.ReceiveCoilName = "Body array"


def _add_pixels(dataset: Dataset, case: PhantomCase, index: int) -> None:
    pixels = case.image.voxels[index]
    stored_bits = max(12, int(case.image.voxels.max()).bit_length())
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = 16
    dataset.BitsStored = stored_bits
    dataset.HighBit = stored_bits - 1
    dataset.PixelRepresentation = 0
    dataset.SmallestImagePixelValue = int(pixels.min())
    dataset.LargestImagePixelValue = int(pixels.max())
    low, high = np.percentile(case.image.voxels, (1.0, 99.0))
    dataset.WindowCenter = _decimal(round(float(low + high) / 2))
    dataset.WindowWidth = _decimal(max(round(float(high - low)), 1))
    dataset.PixelData = np.ascontiguousarray(pixels, dtype="<u2").tobytes()


def _decimal(value: float) -> str:
    """Return a decimal string of at most 16 characters (PS3.5, 6.2: DS) that reads back as near as 16 allow."""
    number = float(value)
    for digits in range(15, 0, -1):
        text = f"{number + 0.0:.{digits}g}"
        if len(text) <= 16:
            return text
    raise ValueError(f"{value!r} does not fit a decimal string of 16 characters")


def _time(offset_s: float) -> str:
    """Return a DICOM time that many seconds after the fixed start."""
    seconds = _FIRST_SLICE_TIME_S + offset_s
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{int(hours):02d}{int(minutes):02d}{rest:09.6f}"
