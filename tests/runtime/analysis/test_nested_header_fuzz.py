"""Sequences with bad values or of a bad shape: findings or a refusal, valid objects, never a fault.

`make fuzz` tries every place with everything; `make test` each place with two of them.
"""

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from benchmarks.dciodvfy import complaints_about, find_dciodvfy
from core.errors import CaseRefused, RefusalCode
from core.reading import read_series
from runtime.analysis.case import AboutCase, CaseInput
from runtime.analysis.images import DicomSeries
from runtime.analysis.pipeline import analyze_case
from tests.fixtures.bad_headers import CREATED, KnownRegions
from tests.fixtures.bundles import make_tiny_volume
from tests.fixtures.drawing import fuzz_factor
from tests.fixtures.nested_headers import NestedFault, enhanced_image, faults_at, paths_of, some_faults, spoilt
from tests.fixtures.tiny_series import write_tiny_series

pytestmark = pytest.mark.hypothesis
"""What `make fuzz` takes."""

WHOLE = fuzz_factor() is not None
CHUNKS, SLICES = 8, 12


@pytest.fixture(scope="module", params=[False, True], ids=["per frame", "shared"])
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Return a series as one enhanced image with all groups that vendors write."""
    files = [path.read_bytes() for path in write_tiny_series(tmp_path_factory.mktemp("series"))]
    return enhanced_image(files, shared=request.param)


def _faults(image: Dataset) -> list[NestedFault]:
    if WHOLE:
        return [fault for place in paths_of(image) for fault in faults_at(place)]
    return list(some_faults(image, 2))


def _read(content: bytes) -> tuple[int, set[str]]:
    """Return the number of slices, or the codes of a refusal."""
    try:
        return read_series([content]).volume.shape[0], set()
    except CaseRefused as refused:
        return 0, {str(reason.code) for reason in refused.reasons}


def test_the_image_without_a_fault_is_read(image: Dataset) -> None:
    (place, *_) = paths_of(image)
    nothing = NestedFault((*place, "PatientName"), "removed", everywhere=True)
    assert _read(spoilt(image, nothing)) == (SLICES, set())


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_what_lies_in_a_sequence_is_read_or_refused(chunk: int, image: Dataset) -> None:
    for fault in _faults(image)[chunk::CHUNKS]:
        slices, codes = _read(spoilt(image, fault))
        assert slices == SLICES or codes, fault
        assert codes <= set(map(str, RefusalCode)), fault


def test_every_object_is_valid_whatever_a_sequence_holds(image: Dataset, tmp_path: Path) -> None:
    tool = find_dciodvfy()
    if tool is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    labels = make_tiny_volume()[1]
    for fault in _faults(image)[:: 1 if WHOLE else 48]:
        case = CaseInput(DicomSeries([spoilt(image, fault)]), AboutCase("fuzz", created=CREATED))
        for artefact in analyze_case(case, KnownRegions(labels)).artefacts:
            if artefact.media_type == "application/dicom":
                path = tmp_path / "object.dcm"
                path.write_bytes(artefact.data)
                assert complaints_about(path, tool).errors == (), (fault, artefact.name)
