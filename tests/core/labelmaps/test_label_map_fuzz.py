"""NIfTI and NRRD label maps with damaged headers give labels or a refusal, never a fault."""

from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pytest

from core.errors import CaseRefused
from core.labelmaps import read_label_map
from core.reading.notes import without_library_warnings
from tests.fixtures.drawing import fuzz_factor

pytestmark = pytest.mark.hypothesis
TRIALS = 60 * (fuzz_factor() or 1)
LABELS = np.arange(6 * 5 * 4, dtype=np.uint8).reshape(6, 5, 4) % 6


def _assert_read_or_refused(path: Path, what: object) -> None:
    try:
        with without_library_warnings():
            labels = read_label_map(path)
    except CaseRefused as error:
        refused = error
    else:
        assert labels.volume.voxels.dtype == np.uint16, what
        return
    assert {str(reason.code) for reason in refused.reasons} == {"unreadable_label_map"}, what


@pytest.mark.parametrize("name", ["labels.nii", "labels.nii.gz", "labels.nrrd"])
def test_a_damaged_nifti_or_nrrd_label_map_is_read_or_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith("nrrd"):
        header = {"space": "left-posterior-superior", "space directions": np.eye(3), "space origin": [0, 0, 0]}
        nrrd.write(str(path), LABELS, header)
    else:
        nibabel.save(nibabel.Nifti1Image(LABELS, np.eye(4)), path)  # type: ignore[no-untyped-call]
    content = path.read_bytes()
    rng = np.random.default_rng(4)
    for trial in range(TRIALS):
        damaged = bytearray(content)
        for place in rng.integers(0, min(352, len(content)), 3):
            damaged[place] = int(rng.integers(0, 256))
        path.write_bytes(damaged if trial % 4 else damaged[: int(rng.integers(1, len(content)))])
        _assert_read_or_refused(path, (name, trial))
