"""Volumes as NIfTI-1 files."""

from pathlib import Path

import nibabel as nib
import numpy as np

from core.volume import Volume

_MILLIMETRE = 2
"""NIFTI_UNITS_MM of nifti1.h."""


def write_nifti(volume: Volume, path: Path) -> None:
    """Write a volume as `.nii` or `.nii.gz`: array axes (x, y, z), affine in RAS mm, the voxels' dtype unchanged."""
    affine = np.eye(4)
    affine[:3, :3] = (volume.direction * np.asarray(volume.spacing_mm))[:, ::-1]
    affine[:3, 3] = volume.origin_lps_mm
    affine[:2] *= -1  # LPS to RAS
    voxels = np.ascontiguousarray(volume.voxels.transpose(2, 1, 0))
    image = nib.Nifti1Image(voxels, affine)  # type: ignore[no-untyped-call]
    image.header["xyzt_units"] = _MILLIMETRE
    nib.save(image, path)
