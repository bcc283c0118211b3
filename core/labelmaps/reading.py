"""Label maps from files: NIfTI and NRRD voxels, or the segments of a DICOM SEG, in patient coordinates."""

import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

import numpy as np
import numpy.typing as npt

from core.errors import CaseRefused, Reason, RefusalCode
from core.labelmaps.meaning import LabelMeanings
from core.labelmaps.segments import read_segments
from core.reading.volume_files import LPS_FROM_RAS, NRRD_SPACES
from core.volume import FloatArray, Volume

_MAX_VOXELS: Final = 100_000_000
"""As for images; a label map has the grid of its series."""

_MAX_BYTES: Final = 2**30


Content = tuple[Volume, LabelMeanings | None, Mapping[int, str]]
"""Values on their own grid, what codes in the file say of them, and what the file calls them."""

_SEGMENT_VALUE: Final = re.compile(r"Segment(\d+)_LabelValue\Z")
"""Header field of a 3D Slicer segmentation (.seg.nrrd) with a segment's value; `Segment<n>_Name` has its name."""


@dataclass(frozen=True, eq=False)
class ForeignLabels:
    """A label map as it was found."""

    volume: Volume
    """uint16 values on the map's own grid, any orientation."""

    sha256: str
    """Digest of the file."""

    own_meanings: LabelMeanings | None = None
    """What the file itself says of its values (a coded DICOM SEG); None when it says nothing."""

    names: Mapping[int, str] = field(default_factory=dict, repr=False)
    """Value -> what a DICOM SEG or a 3D Slicer segmentation calls it: free text, to be looked up and never shown."""


def read_label_map(path: Path) -> ForeignLabels:
    """Read a label map by its content: NIfTI (.nii, .nii.gz), NRRD (.nrrd) or DICOM SEG.

    Raises `CaseRefused` (`unreadable_label_map`) on anything else, on values that are no whole numbers from 0 to
    65535, and on a file without geometry.
    """
    kind = _kind(path)
    try:
        volume, own_meanings, names = _READERS[kind](path)
        return ForeignLabels(volume, hashlib.sha256(path.read_bytes()).hexdigest(), own_meanings, names)
    except CaseRefused:
        raise
    except (OSError, EOFError, ValueError, KeyError, AttributeError, IndexError, TypeError, zlib.error) as error:
        _refuse(f"the {kind} label map cannot be read ({type(error).__name__})")


def _kind(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(352)
        if head[:2] == b"\x1f\x8b":
            with gzip.open(path) as packed:
                head = packed.read(352)
    except (OSError, EOFError, zlib.error) as error:
        _refuse(f"the label map cannot be read ({type(error).__name__})")
    if head[:4] == b"NRRD":
        return "NRRD"
    if head[128:132] == b"DICM":
        return "DICOM SEG"
    if head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0"):
        return "NIfTI"
    _refuse("the file is no label map; allowed: NIfTI (.nii, .nii.gz), NRRD (.nrrd), DICOM SEG")


def _read_nifti(path: Path) -> Content:
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    content = _unpacked(path)
    try:
        image = (nibabel.Nifti2Image if content[4:7] == b"n+2" else nibabel.Nifti1Image).from_bytes(content)
    except (HeaderDataError, ImageFileError):
        _refuse("the header of the NIfTI label map is damaged")
    if not int(image.header["sform_code"]) and not int(image.header["qform_code"]):
        _refuse("the NIfTI label map has no position in the patient (sform and qform are both 0)")
    shape = tuple(int(n) for n in image.shape)
    _check_shape(shape)
    affine = np.asarray(image.affine, dtype=np.float64)
    voxels = np.asarray(image.dataobj).reshape(shape[:3])
    return _volume(voxels, LPS_FROM_RAS @ affine[:3, :3], LPS_FROM_RAS @ affine[:3, 3]), None, {}


def _unpacked(path: Path) -> bytes:
    """Return a file's bytes, out of gzip where it is packed; bounded, since a small file can unpack to any size."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        _refuse(f"the label map is larger than {_MAX_BYTES // 2**20} MiB; allowed: at most that")
    return content


def _read_nrrd(path: Path) -> Content:
    import nrrd

    try:
        header = nrrd.read_header(str(path))
        if "data file" in header or "datafile" in header:
            _refuse("the NRRD label map keeps its voxels in another file; allowed: one file")
        _check_shape(tuple(int(n) for n in header["sizes"]))
        voxels, header = nrrd.read(str(path))
    except nrrd.NRRDError:
        _refuse("the NRRD label map is damaged")
    space = str(header.get("space", "")).lower()
    to_lps = NRRD_SPACES.get(space)
    if to_lps is None:
        _refuse(f"the NRRD label map has the space {space!r}; allowed: {', '.join(NRRD_SPACES)}")
    axes = np.asarray(header["space directions"], dtype=np.float64).T
    volume = _volume(voxels, to_lps @ axes, to_lps @ np.asarray(header["space origin"], dtype=np.float64))
    return volume, None, _segment_names(header)


def _segment_names(header: Mapping[str, object]) -> dict[int, str]:
    """Return value -> name of the segments that 3D Slicer lists in the header; empty without any."""
    numbers = [match.group(1) for match in map(_SEGMENT_VALUE.match, header) if match]
    return {int(str(header[f"Segment{n}_LabelValue"])): str(header.get(f"Segment{n}_Name", "")) for n in numbers}


def _volume(voxels: npt.NDArray[np.generic], axes_lps_mm: FloatArray, origin_lps_mm: FloatArray) -> Volume:
    """Return voxels (i, j, k) as a volume; column n of the axes is the step along index n in LPS mm."""
    spacing = np.linalg.norm(axes_lps_mm, axis=0)
    x, y, z = (float(value) for value in origin_lps_mm)
    first, second, third = (float(value) for value in spacing)
    return Volume(_whole_numbers(voxels), (first, second, third), (x, y, z), axes_lps_mm / spacing)


def _whole_numbers(voxels: npt.NDArray[np.generic]) -> npt.NDArray[np.uint16]:
    values = np.asarray(voxels, dtype=np.float64)
    if not np.isfinite(values).all() or (values % 1).any() or values.min() < 0 or values.max() > 65535:
        _refuse("the label map holds values that are no labels; allowed: whole numbers from 0 to 65535")
    return values.astype(np.uint16)


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) < 3 or any(n != 1 for n in shape[3:]):
        _refuse(f"the label map has the shape {shape}; allowed: three axes")
    if int(np.prod(shape, dtype=np.int64)) > _MAX_VOXELS:
        _refuse(f"the label map has the shape {shape}; allowed: at most {_MAX_VOXELS} voxels")


_READERS: Final[dict[str, Callable[[Path], Content]]] = {
    "NIfTI": _read_nifti,
    "NRRD": _read_nrrd,
    "DICOM SEG": read_segments,
}


def _refuse(message: str) -> NoReturn:
    raise CaseRefused([Reason(RefusalCode.UNREADABLE_LABEL_MAP, message)])
