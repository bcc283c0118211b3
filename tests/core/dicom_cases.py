"""Small hand-made DICOM series for the tests of reading."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage

from core.volume import FloatArray, Volume

ROOT = "2.25.1234567"
SERIES_UID = f"{ROOT}.2"

TILTED = np.array([[0.0, 0.0, 1.0], [-np.sin(0.2), np.cos(0.2), 0.0], [np.cos(0.2), np.sin(0.2), 0.0]])
"""Direction (columns z, y, x) of slices tilted by 0.2 rad about the left-right axis; z to the head."""


def image(slices: int = 7, rows: int = 34, columns: int = 38) -> Volume:
    """Return a uint16 volume (z, y, x) in which every voxel differs from its neighbours, off-centre and tilted."""
    voxels = np.random.default_rng(3).integers(0, 4000, (slices, rows, columns)).astype(np.uint16)
    return Volume(voxels, (3.3, 0.7, 0.6), (-31.25, -80.5, -60.125), TILTED)


def classic(volume: Volume, **tags: Any) -> list[Dataset]:
    """Return a T2-weighted classic series, one dataset per slice of an integer volume; tags override."""
    return [_classic_slice(volume, index, tags) for index in range(volume.shape[0])]


def _classic_slice(volume: Volume, index: int, tags: dict[str, Any]) -> Dataset:
    dataset = _instance(f"{ROOT}.9.{index + 1}", MRImageStorage)
    set_plane(dataset, volume.index_to_lps_mm((index, 0, 0)), volume.direction)
    dataset.PixelSpacing = [volume.spacing_mm[1], volume.spacing_mm[2]]
    dataset.SliceThickness = volume.spacing_mm[0]
    dataset.InstanceNumber = index + 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    dataset.ScanningSequence, dataset.SequenceVariant, dataset.MRAcquisitionType = "SE", "SK", "2D"
    dataset.EchoTime, dataset.RepetitionTime = 100, 4000
    set_pixels(dataset, volume.voxels[index])
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    return dataset


def enhanced(volume: Volume, order: Sequence[int]) -> Dataset:
    """Return an Enhanced MR image whose frames are the slices of a volume in the given order."""
    dataset = _instance(f"{ROOT}.8", EnhancedMRImageStorage)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "T2", "NONE"]
    dataset.AcquisitionContrast, dataset.EchoPulseSequence = "T2", "SPIN"
    dataset.NumberOfFrames = len(order)
    shared = Dataset()
    shared.MREchoSequence = [Dataset()]
    shared.MREchoSequence[0].EffectiveEchoTime = 100.0
    shared.MRTimingAndRelatedParametersSequence = [Dataset()]
    shared.MRTimingAndRelatedParametersSequence[0].RepetitionTime = 4000
    shared.PixelMeasuresSequence = [Dataset()]
    shared.PixelMeasuresSequence[0].PixelSpacing = [volume.spacing_mm[1], volume.spacing_mm[2]]
    shared.PixelMeasuresSequence[0].SliceThickness = volume.spacing_mm[0]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = [_frame_groups(volume, index) for index in order]
    set_pixels(dataset, volume.voxels[list(order)])
    return dataset


def _frame_groups(volume: Volume, index: int) -> Dataset:
    groups, plane = Dataset(), Dataset()
    set_plane(plane, volume.index_to_lps_mm((index, 0, 0)), volume.direction)
    groups.PlanePositionSequence, groups.PlaneOrientationSequence = [Dataset()], [Dataset()]
    groups.PlanePositionSequence[0].ImagePositionPatient = plane.ImagePositionPatient
    groups.PlaneOrientationSequence[0].ImageOrientationPatient = plane.ImageOrientationPatient
    groups.MRImageFrameTypeSequence = [Dataset()]
    groups.MRImageFrameTypeSequence[0].FrameType = ["ORIGINAL", "PRIMARY", "T2", "NONE"]
    return groups


def _instance(uid: str, storage_class: UID) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = storage_class, UID(uid)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{ROOT}.1", SERIES_UID
    dataset.FrameOfReferenceUID = f"{ROOT}.3"
    dataset.Modality, dataset.PatientID, dataset.PatientName = "MR", "HIDDEN-ID", "Hidden^Name"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = storage_class
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(uid)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def set_plane(dataset: Dataset, position_lps_mm: FloatArray, direction: FloatArray) -> None:
    """Write position and orientation as decimal strings (16 characters) would have them."""
    dataset.ImagePositionPatient = [f"{value:.9f}"[:16] for value in position_lps_mm]
    dataset.ImageOrientationPatient = [f"{value:.12f}"[:16] for value in (*direction[:, 2], *direction[:, 1])]


def set_pixels(dataset: Dataset, pixels: npt.NDArray[Any], photometric: str = "MONOCHROME2") -> None:
    """Write integer pixels (rows, columns) or (frames, rows, columns) in native form."""
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, photometric
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    bits = pixels.dtype.itemsize * 8
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes()
    dataset["PixelData"].VR = "OW" if bits > 8 else "OB"


def encode(dataset: Dataset, transfer_syntax: UID | None = None) -> bytes:
    """Return a dataset as a DICOM file, converted to a native transfer syntax if one is given."""
    buffer = io.BytesIO()
    if transfer_syntax is not None:
        dataset.file_meta.TransferSyntaxUID = transfer_syntax
        if not transfer_syntax.is_little_endian:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def encode_all(datasets: Sequence[Dataset]) -> list[bytes]:
    """Return every dataset as a DICOM file."""
    return [encode(dataset) for dataset in datasets]
