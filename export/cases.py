"""Training images in nnU-Net's raw form, read back as canonical volumes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.judging.image_reference import DEFAULT_IMAGE_REFERENCE, ImageReference
from core.judging.input_statistics import InputReference
from core.volume import Volume, canonicalise
from export.errors import ExportFailed
from export.references import build_reference, median_grey_levels
from runtime.bundle.manifest import CANONICAL_ORIENTATION

_FAR: Final = 3.0
"""Times the distance that 99 % of the training images keep: sound series of other scanners reach 1.4 times."""


def image_files(folder: Path, count: int) -> list[Path]:
    """Return up to `count` NIfTI images of a folder such as imagesTr, spread evenly over its sorted names."""
    files = sorted(folder.glob("*.nii.gz"))
    if not files:
        raise ExportFailed(f"there is no *.nii.gz in {folder}")
    chosen = np.linspace(0, len(files) - 1, min(count, len(files))).round().astype(int)
    return [files[index] for index in chosen]


def check_orientation(files: Sequence[Path]) -> None:
    """Raise `ExportFailed` when the images lie otherwise than `CANONICAL_ORIENTATION` says.

    nnU-Net trains on voxels as they lie in the file, and the runtime turns every image to the canonical axes: a model
    of images that lie otherwise would see each patient mirrored or upside down.
    """
    for path in files:
        volume = _read(path)
        turned = canonicalise(volume)[0]
        if volume.shape != turned.shape or not np.allclose(volume.direction, turned.direction, atol=1e-3):
            raise ExportFailed(
                f"{path.name} lies otherwise than {CANONICAL_ORIENTATION}, and nnU-Net does not turn images; allowed: "
                "a model trained on images stored so (`sidewall-train prepare` does)"
            )


def read_image(path: Path) -> Volume:
    """Read one NIfTI image as a canonical float32 volume."""
    return canonicalise(_read(path))[0]


def _read(path: Path) -> Volume:
    # Whoever verifies a bundle without cases of his own needs no library for images.
    import SimpleITK

    try:
        image: Any = SimpleITK.ReadImage(str(path), SimpleITK.sitkFloat32)
    except RuntimeError as error:
        raise ExportFailed(f"{path} is not a readable image") from error
    x, y, z = image.GetSpacing()
    origin_x, origin_y, origin_z = image.GetOrigin()
    return Volume(
        voxels=SimpleITK.GetArrayFromImage(image),
        spacing_mm=(z, y, x),
        origin_lps_mm=(origin_x, origin_y, origin_z),
        direction=np.array(image.GetDirection()).reshape(3, 3)[:, ::-1],
    )


def reference_of(folder: Path, count: int) -> InputReference:
    """Return the input statistics of up to `count` training images."""
    return build_reference(_read_all(image_files(folder, count)))


def image_reference_of(folder: Path, count: int, reference: InputReference) -> ImageReference:
    """Return the limits of the gates on the image itself that up to `count` training images keep well within.

    Three times the distance that 99 % of them keep from the others, and a quarter of the grey levels of the poorest of
    them; never stricter than the defaults, which also give the limits that do not depend on the scanner.
    """
    fewest = min(median_grey_levels(volume) for volume in _read_all(image_files(folder, count)))
    return replace(
        DEFAULT_IMAGE_REFERENCE,
        max_distance_sd=max(DEFAULT_IMAGE_REFERENCE.max_distance_sd, _FAR * reference.distance_p99),
        min_grey_levels=max(1.0, min(DEFAULT_IMAGE_REFERENCE.min_grey_levels, fewest / 4)),
    )


def _read_all(files: list[Path]) -> Iterator[Volume]:
    for path in files:
        yield read_image(path)
