"""The .npz files of a bundle, read without ever unpickling."""

import io
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trust.errors import BundleRejected

LARGEST_ARRAY_BYTES: Final = 512 << 20
"""Unpacked: a golden case is a small part of one image."""

Arrays = dict[str, npt.NDArray[Any]]
_BROKEN: Final = (
    *(ValueError, EOFError, OSError, KeyError, OverflowError, MemoryError, RecursionError),
    *(zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError),  # The last where an archive is encrypted.
    *(SyntaxError, TypeError, tokenize.TokenError),  # From numpy's reading of an array's header.
)


def read_arrays(content: bytes, name: str, keys: Sequence[str]) -> Arrays:
    """Return the named arrays of an .npz file; raises `BundleRejected` when one is missing, broken or pickled."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            missing = [key for key in keys if f"{key}.npy" not in archive.namelist()]
            if missing:
                raise BundleRejected(f"file {name} of the bundle lacks {missing}")
            return {key: _read_array(archive, f"{key}.npy", name) for key in keys}
    except _BROKEN as error:
        raise BundleRejected(f"file {name} of the bundle is not a readable .npz file") from error


def _read_array(archive: zipfile.ZipFile, member: str, name: str) -> npt.NDArray[Any]:
    size = archive.getinfo(member).file_size
    if size > LARGEST_ARRAY_BYTES:
        raise BundleRejected(f"{member} in file {name} has {size} bytes; allowed: {LARGEST_ARRAY_BYTES}")
    content = io.BytesIO(archive.read(member))
    major, _ = np.lib.format.read_magic(content)
    read_header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    kind = read_header(content)[2]
    if kind.hasobject:
        raise BundleRejected(f"{member} in file {name} of the bundle holds pickled objects, which are never read")
    content.seek(0)
    array: npt.NDArray[Any] = np.lib.format.read_array(content, allow_pickle=False)
    if kind.kind not in "iuf" or (kind.kind == "f" and not np.isfinite(array).all()):
        raise BundleRejected(f"{member} in file {name} of the bundle holds values that are not finite numbers")
    return array
