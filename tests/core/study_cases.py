"""Hand-made studies for the tests of series selection: headers of full size over pixels of a stamp's size."""

from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID

from core.volume import FloatArray, Volume
from tests.core.dicom_cases import ROOT, classic, enhanced

AXIAL = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
"""Direction (columns z, y, x): slices across the body, z to the head."""

SAGITTAL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def uid_of(number: int) -> str:
    """Return the UID of series `number`."""
    return f"{ROOT}.2.{number}"


def tilted(degrees: float) -> FloatArray:
    """Return the direction of slices tilted about the left-right axis."""
    angle = np.radians(degrees)
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.array([[0.0, 0.0, 1.0], [-sine, cosine, 0.0], [cosine, sine, 0.0]])


def stack(
    slices: int = 12, spacing_mm: tuple[float, float, float] = (3.5, 0.6, 0.6), direction: FloatArray = AXIAL
) -> Volume:
    """Return the grid of a pelvic series with 4 x 4 of its pixels."""
    return Volume(np.ones((slices, 4, 4), np.uint16), spacing_mm, (-96.0, -96.0, -40.0), direction)


def series(number: int, volume: Volume | None = None, *, pixels: int = 320, **tags: Any) -> list[Dataset]:
    """Return an axial T2 series of 192 x 192 x 42 mm that is eligible, unless the volume or the tags change that."""
    stated = {"SeriesInstanceUID": uid_of(number), "SeriesNumber": number, "Rows": pixels, "Columns": pixels}
    return classic(volume or stack(), **(stated | tags))


def enhanced_series(number: int, volume: Volume | None = None, *, pixels: int = 320) -> Dataset:
    """Return the same as one Enhanced MR image that states the acquisition type of a 2D sequence."""
    grid = volume or stack()
    dataset = enhanced(grid, range(grid.shape[0]))
    dataset.SeriesInstanceUID, dataset.SeriesNumber = uid_of(number), number
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"{ROOT}.8.{number}")
    dataset.Rows = dataset.Columns = pixels
    dataset.MRAcquisitionType = "2D"
    return dataset
