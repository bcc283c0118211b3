"""Label maps from NIfTI files, in one axis order, and whether two lie on the same grid."""

import math
from dataclasses import dataclass
from pathlib import Path

import nibabel
import nibabel.filebasedimages
import nibabel.nifti1
import nibabel.spatialimages
import nibabel.wrapstruct
import numpy as np
import numpy.typing as npt

from analytics.segmentation.pieces import SpacingMm

_SAME_GRID_MM = 1e-3
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    nibabel.filebasedimages.ImageFileError,
    nibabel.spatialimages.HeaderDataError,
    nibabel.wrapstruct.WrapStructError,
)


class LabelMapUnusable(ValueError):
    """A file holds no label map, or one that cannot be compared with another; the text says why."""


@dataclass(frozen=True)
class LabelMap:
    """Labels of one case with their grid."""

    labels: npt.NDArray[np.int64]
    """(z, y, x), the reverse of the order in the file."""

    spacing_mm: SpacingMm
    """(z, y, x)"""

    affine: npt.NDArray[np.float64]
    """(4, 4) from the file's own voxel order to RAS, in mm."""


def read_label_map(path: Path) -> LabelMap:
    """Return the labels of a 3D NIfTI file. Raises `LabelMapUnusable` for any other file."""
    try:
        image = nibabel.nifti1.Nifti1Image.from_filename(path)
        values = np.asarray(image.dataobj)
    except _UNREADABLE as error:
        raise LabelMapUnusable(f"{path.name} is not a readable NIfTI file") from error
    if values.ndim != 3:
        raise LabelMapUnusable(f"{path.name} has shape {values.shape}; a label map with three axes is allowed")
    labels = values.astype(np.int64)
    if (labels != values).any():
        raise LabelMapUnusable(f"{path.name} holds values that are no whole numbers; a label map is allowed")
    x, y, z = (float(step) for step in image.header.get_zooms())  # type: ignore[no-untyped-call]
    if not all(0 < step < math.inf for step in (x, y, z)):
        raise LabelMapUnusable(f"{path.name} has voxels of {x:g} x {y:g} x {z:g} mm; positive numbers are allowed")
    return LabelMap(labels.T, (z, y, x), np.asarray(image.affine, dtype=np.float64))


def check_same_grid(reference: LabelMap, found: LabelMap) -> None:
    """Raise `LabelMapUnusable` unless both maps have one shape and lie within a micrometre of each other."""
    if reference.labels.shape != found.labels.shape:
        raise LabelMapUnusable(
            f"label maps have shapes {reference.labels.shape} and {found.labels.shape}; one shape is allowed"
        )
    apart = float(np.abs(reference.affine - found.affine).max())
    if apart > _SAME_GRID_MM:
        raise LabelMapUnusable(f"label maps lie on grids that differ by up to {apart:.3g} mm; one grid is allowed")


def label_map_files(folder: Path) -> list[Path]:
    """Return the NIfTI files of a folder by name; none where there is no such folder."""
    return sorted(path for path in folder.glob("*") if path.name.endswith((".nii", ".nii.gz")))
