"""Damaged label maps, and odd headers under sound ones, through `score`: findings or a refusal, never a fault.

What such a label map says is told by the tests of reading; here every file of the result is written, too.
"""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from pydicom.dataset import Dataset

from core.progress import SilentMonitor
from core.reading.mending import IDENTITY, SECONDARY
from core.reading.notes import without_library_warnings
from runtime.analysis.case import AboutCase
from runtime.analysis.case_folder import CaseInputs
from runtime.analysis.scoring import score_path
from runtime.settings import Settings
from tests.fixtures.bad_headers import BAD_VALUES, COMPARED, DECIDING, ELEMENTS, Fault, complete, with_faults
from tests.fixtures.bundles import SPACING_MM, make_tiny_volume
from tests.fixtures.drawing import fuzz_factor
from tests.fixtures.tiny_series import write_tiny_series

pytestmark = pytest.mark.hypothesis
TRIALS = 8 * (fuzz_factor() or 1)
HEADER_BYTES = 352


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("series")
    write_tiny_series(folder)
    return folder


@pytest.fixture(scope="module")
def sound(series: Path) -> list[Dataset]:
    """Return the data sets of the series with every element that results can carry."""
    return complete([path.read_bytes() for path in sorted(series.iterdir())])


@pytest.fixture
def label_map(tmp_path: Path) -> Path:
    """Return a NIfTI file with the true labels of the series."""
    volume, labels = make_tiny_volume()
    affine = np.eye(4)
    affine[:3, :3] = np.diag([-1.0, -1.0, 1.0]) @ np.diag(SPACING_MM[::-1])
    affine[:3, 3] = np.array([-1.0, -1.0, 1.0]) * volume.origin_lps_mm
    image = nibabel.Nifti1Image(labels.transpose(2, 1, 0), affine)  # type: ignore[no-untyped-call]
    nibabel.save(image, tmp_path / "labels.nii")
    return tmp_path / "labels.nii"


def scored(series: Path, segmentation: Path, out: Path) -> str:
    """Return the status that `score` writes; or why the file is no label map."""
    about = AboutCase(case_id="fuzz")
    inputs = CaseInputs(series=str(series))
    with without_library_warnings():
        found = score_path(series, segmentation, Settings(), out, inputs=inputs, about=about, monitor=SilentMonitor())
    assert json.loads((out / "findings.json").read_text()) == found
    codes = {reason["code"] for reason in found["refusal"]}
    if "unreadable_label_map" in codes:
        return ", ".join(sorted(codes))
    return str(found["status"])


def test_a_sound_label_map_is_scored(series: Path, label_map: Path, tmp_path: Path) -> None:
    assert scored(series, label_map, tmp_path / "out") == "positive"


def test_a_label_map_with_a_damaged_header_is_scored_or_refused(series: Path, label_map: Path, tmp_path: Path) -> None:
    content = label_map.read_bytes()
    rng = np.random.default_rng(17)
    statuses = set()
    for trial in range(TRIALS):
        damaged = bytearray(content)
        for place in rng.integers(0, HEADER_BYTES, 2):
            damaged[place] = int(rng.integers(0, 256))
        label_map.write_bytes(damaged if trial % 4 else damaged[: int(rng.integers(1, len(content)))])
        statuses.add(scored(series, label_map, tmp_path / "out"))
    assert statuses <= {"unreadable_label_map", "refused", "positive", "negative", "borderline", "indeterminate"}
    assert "unreadable_label_map" in statuses


def test_a_label_map_with_any_labels_is_scored_or_refused(series: Path, label_map: Path, tmp_path: Path) -> None:
    content = bytearray(label_map.read_bytes())
    rng = np.random.default_rng(18)
    for _ in range(TRIALS):
        noise = rng.integers(0, 7, len(content) - HEADER_BYTES, dtype=np.uint8) * (rng.random() < 0.5)
        content[HEADER_BYTES:] = noise.tobytes()
        label_map.write_bytes(content)
        assert scored(series, label_map, tmp_path / "out") != "unreadable_label_map"


@pytest.mark.parametrize("everywhere", [False, True], ids=["one slice", "all slices"])
def test_odd_headers_under_a_sound_label_map_give_findings_or_a_refusal(
    everywhere: bool, sound: list[Dataset], label_map: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(19)
    for trial in range(TRIALS):
        secondary = [Fault(keyword, str(rng.choice(BAD_VALUES)), everywhere) for keyword in SECONDARY if _may(keyword)]
        deciding = [Fault(str(rng.choice(ELEMENTS)), str(rng.choice(BAD_VALUES)), everywhere)]
        folder = tmp_path / f"series{trial}"
        folder.mkdir()
        for number, content in enumerate(with_faults(sound, deciding if trial % 2 else secondary)):
            (folder / f"{number:04d}.dcm").write_bytes(content)
        status = scored(folder, label_map, tmp_path / "out")
        assert status == "positive" if not trial % 2 else status != "unreadable_label_map"


def _may(keyword: str) -> bool:
    return keyword in ELEMENTS and keyword not in (*DECIDING, *COMPARED, *IDENTITY)
