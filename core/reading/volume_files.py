"""Images as researchers keep them: NIfTI and NRRD files, read with their place in the patient.

They say nothing of sequence, identity and whether the subject is a phantom. Reader libraries are imported when needed.
"""

import gzip
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
import numpy.typing as npt

from core.counting import counted
from core.errors import CaseRefused, Reason, RefusalCode
from core.reading.limits import DEFAULT_LIMITS, ReadingLimits
from core.volume import FloatArray, Volume

LPS_FROM_RAS: Final = np.diag([-1.0, -1.0, 1.0])

NRRD_SPACES: Final[dict[str, FloatArray]] = {
    "left-posterior-superior": np.eye(3),
    "lps": np.eye(3),
    "right-anterior-superior": LPS_FROM_RAS,
    "ras": LPS_FROM_RAS,
    "left-anterior-superior": np.diag([1.0, -1.0, 1.0]),
    "las": np.diag([1.0, -1.0, 1.0]),
}
"""Space of an NRRD file -> what takes its coordinates to LPS."""

_SUFFIXES: Final = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".hdr")
_HEAD_BYTES: Final = 352
_MILLIMETRES: Final = ("mm", "unknown")
_AGREEMENT_MM: Final = 0.1
"""Largest distance between a voxel's places by sform and by qform that rounding explains."""

_ERRORS: Final = (OSError, EOFError, ValueError, KeyError, AttributeError, IndexError, TypeError, zlib.error)


@dataclass(frozen=True, eq=False)
class VolumeImage:
    """An image as it was found."""

    volume: Volume
    """Any orientation and number type."""

    warnings: tuple[str, ...]
    """What was tolerated; no patient data."""


def holds_volume_files(source: Path) -> bool:
    """Return whether a path names a NIfTI or NRRD file, or a folder with such files and no DICOM."""
    return bool(_volume_files(source))


def read_volume_file(source: Path, limits: ReadingLimits = DEFAULT_LIMITS) -> VolumeImage:
    """Read an image from a NIfTI (.nii, .nii.gz) or NRRD (.nrrd) file, or a folder with one; axes z, y, x of the file.

    Raises `CaseRefused` with `invalid_volume` on a damaged file, more than three axes, or no place in the patient, with
    `several_series` on a folder with several images, and with `too_large`.
    """
    found = _volume_files(source)
    if len(found) > 1:
        _refuse(f"the folder holds {counted(len(found), 'NIfTI or NRRD image')}; allowed: one", _SEVERAL)
    path = found[0] if found else source
    try:
        return _read_nrrd(path, limits) if _kind(path) == "NRRD" else _read_nifti(path, limits)
    except CaseRefused:
        raise
    except _ERRORS as error:
        _refuse(f"the image file cannot be read ({type(error).__name__}); allowed: a complete NIfTI or NRRD file")


def _volume_files(source: Path) -> list[Path]:
    if not source.is_dir():
        return [source] if _kind(source) else []
    found = []
    for parent, folders, names in os.walk(source):
        folders.sort()
        for path in (Path(parent, name) for name in sorted(names)):
            if path.name.lower().endswith(_SUFFIXES) and _kind(path):
                found.append(path)
            elif _head(path)[128:132] == b"DICM":
                return []
    return found


def _kind(path: Path) -> str | None:
    head = _head(path)
    if head[:4] == b"NRRD":
        return "NRRD"
    if head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0"):
        return "NIfTI"
    return None


def _head(path: Path) -> bytes:
    """Return the first bytes of a file, out of gzip where it is packed; none where it cannot be read.

    A pipe is not opened: that waits for whoever writes to it, which may be nobody.
    """
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if head[:2] == b"\x1f\x8b":
            with gzip.open(path) as packed:
                head = packed.read(_HEAD_BYTES)
    except (OSError, EOFError, zlib.error):
        return b""
    return head


def _read_nifti(path: Path, limits: ReadingLimits) -> VolumeImage:
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    content = _unpacked(path, limits)
    if content[344:348] == b"ni1\0" or content[4:8] == b"ni2\0":
        _refuse("the NIfTI file keeps its voxels in another file; allowed: one file")
    try:
        image = (nibabel.Nifti2Image if content[4:8] == b"n+2\0" else nibabel.Nifti1Image).from_bytes(content)
        unit = image.header.get_xyzt_units()[0]  # type: ignore[no-untyped-call]
    except (HeaderDataError, ImageFileError):
        _refuse("the header of the NIfTI file is damaged; allowed: a complete one")
    if unit not in _MILLIMETRES:
        _refuse(f"the NIfTI file measures in {unit}; allowed: mm")
    shape = _three_axes(tuple(int(n) for n in image.shape), limits)
    affine, warnings = _affine(image, shape)
    voxels = np.asarray(image.dataobj).reshape(shape)
    return VolumeImage(_volume(voxels, LPS_FROM_RAS @ affine[:3, :3], LPS_FROM_RAS @ affine[:3, 3]), warnings)


def _affine(image: Any, shape: tuple[int, int, int]) -> tuple[FloatArray, tuple[str, ...]]:
    """Return where voxels (i, j, k) lie in RAS mm, by the sform where there is one, and whether the qform differs."""
    by_sform, sform_code = image.get_sform(coded=True)
    try:
        by_qform, qform_code = image.get_qform(coded=True)
    except ValueError:
        by_qform, qform_code = None, 0
    if not sform_code and not qform_code:
        _refuse("the NIfTI file has no place in the patient (sform and qform are both 0); allowed: one of them")
    affine: FloatArray = np.asarray(by_sform if sform_code else by_qform, dtype=np.float64)
    if not (sform_code and qform_code):
        return affine, ()
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij")).reshape(3, -1)
    difference = np.asarray(by_qform, dtype=np.float64) - affine
    distance_mm = float(np.linalg.norm(difference[:3, :3] @ corners + difference[:3, 3:], axis=0).max())
    if distance_mm <= _AGREEMENT_MM:
        return affine, ()
    return affine, (f"sform and qform of the NIfTI file disagree by up to {distance_mm:.1f} mm; the sform is taken",)


def _unpacked(path: Path, limits: ReadingLimits) -> bytes:
    """Return the bytes of a file, out of gzip where it is packed; bounded, since a small file can unpack to much."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as file:
        content = file.read(limits.max_input_bytes + 1)
    if len(content) > limits.max_input_bytes:
        _refuse(f"the file is larger than {limits.max_input_bytes / 2**20:g} MiB; allowed: at most that", _TOO_LARGE)
    return content


def _read_nrrd(path: Path, limits: ReadingLimits) -> VolumeImage:
    import nrrd

    try:
        header: Mapping[str, Any] = nrrd.read_header(str(path))
        if "data file" in header or "datafile" in header:
            _refuse("the NRRD file keeps its voxels in another file; allowed: one file")
        shape = _three_axes(tuple(int(n) for n in header["sizes"]), limits)
        to_lps = NRRD_SPACES.get(str(header.get("space", "")).lower())
        if to_lps is None:
            _refuse(f"the NRRD file states no space that is known; allowed: {', '.join(NRRD_SPACES)}")
        voxels, header = nrrd.read(str(path))
    except nrrd.NRRDError:
        _refuse("the NRRD file is damaged; allowed: a complete one")
    axes = np.asarray([row for row in header["space directions"] if row is not None], dtype=np.float64)
    axes = axes[np.isfinite(axes).all(axis=1)].T
    origin = np.asarray(header["space origin"], dtype=np.float64)
    return VolumeImage(_volume(voxels.reshape(shape), to_lps @ axes, to_lps @ origin), ())


def _three_axes(shape: tuple[int, ...], limits: ReadingLimits) -> tuple[int, int, int]:
    """Return the first three sizes; raises `CaseRefused` where others are more than one, or all are too many."""
    if len(shape) < 3 or any(n != 1 for n in shape[3:]):
        sizes = " x ".join(str(n) for n in shape)
        _refuse(f"the image has {counted(len(shape), 'axis', 'axes')} ({sizes}); allowed: three, one image")
    first, second, third = shape[:3]
    if first * second * third > limits.max_voxels:
        _refuse(f"{first * second * third} voxels; allowed: at most {limits.max_voxels}", _TOO_LARGE)
    return first, second, third


def _volume(voxels: npt.NDArray[Any], axes_lps_mm: FloatArray, origin_lps_mm: FloatArray) -> Volume:
    """Return voxels (i, j, k), of which i runs fastest in the file, as a volume (k, j, i)."""
    if voxels.dtype.kind not in "iuf":
        _refuse(f"the voxels are {voxels.dtype}; allowed: integer or floating point")
    spacing = np.linalg.norm(axes_lps_mm, axis=0)
    if not np.all(np.isfinite(spacing)) or not spacing.min() > 0:
        _refuse("the steps between voxels are not all finite and above zero; allowed: those, in mm")
    first, second, third = (float(value) for value in spacing)
    x, y, z = (float(value) for value in origin_lps_mm)
    try:
        return Volume(voxels.T, (third, second, first), (x, y, z), (axes_lps_mm / spacing)[:, ::-1])
    except ValueError:
        _refuse("the axes of the image are not at right angles; allowed: a grid without shear")


_SEVERAL: Final = RefusalCode.SEVERAL_SERIES
_TOO_LARGE: Final = RefusalCode.TOO_LARGE


def _refuse(message: str, code: RefusalCode = RefusalCode.INVALID_VOLUME) -> NoReturn:
    raise CaseRefused([Reason(code, message)])
