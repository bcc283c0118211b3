"""What the trials of the gateway share: instances to send, and what a process takes of the machine."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pydicom
from pydicom.dataset import FileDataset
from pydicom.uid import generate_uid

from benchmarks.machine import processor_s

_MATRIX: Final = 320
_SEED: Final = 20
_MIB: Final = 1 << 20


@dataclass(frozen=True)
class Taken:
    """What a process has of the machine at one moment."""

    threads: int
    files: int
    memory_mib: float
    """Resident set."""

    processor_s: float


def taken_by(pid: int) -> Taken:
    """Return what a process has, with the processor time that it has used since its start."""
    process = Path(f"/proc/{pid}")
    pages = int((process / "statm").read_text().split()[1])
    return Taken(
        len(list((process / "task").iterdir())),
        len(list((process / "fd").iterdir())),
        round(pages * os.sysconf("SC_PAGE_SIZE") / _MIB, 1),
        processor_s(pid),
    )


def write_slices(source: Path, folder: Path, count: int) -> list[Path]:
    """Write one study of that many MR instances of 320 x 320 with noise, under the headers of a slice."""
    folder.mkdir(parents=True)
    dataset = pydicom.dcmread(source)
    dataset.Rows = dataset.Columns = _MATRIX
    noise = np.random.default_rng(_SEED).integers(0, 4096, (_MATRIX, _MATRIX), dtype=np.uint16)
    dataset.PixelData = noise.tobytes()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    return [_write(dataset, folder / f"{number:04}.dcm") for number in range(count)]


def _write(dataset: FileDataset, file: Path) -> Path:
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.save_as(file)
    return file
