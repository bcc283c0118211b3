"""A real PACS takes every object and gives it back unchanged."""

import shutil
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from tests.integration.objects import all_files
from tests.integration.orthanc import AE_TITLE, DICOMWEB_PLUGIN, Orthanc, find_orthanc, running_orthanc


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    program = find_orthanc()
    if program is None:
        pytest.skip("Orthanc (Debian package orthanc) is not installed")
    with running_orthanc(program, tmp_path) as server:
        yield server


def _read(data: bytes) -> Dataset:
    return pydicom.dcmread(BytesIO(data))


def test_all_objects_come_back_unchanged_after_c_store(orthanc: Orthanc, tmp_path: Path) -> None:
    tool = shutil.which("storescu")
    if tool is None:
        pytest.skip("storescu (Debian package dcmtk) is not installed")
    files = all_files()
    for name, data in files.items():
        path = tmp_path / "sent" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    options = ("--required", "--scan-directories", "--recurse", "--call", AE_TITLE)
    sent = subprocess.run(
        [tool, *options, "127.0.0.1", str(orthanc.dicom_port), str(tmp_path / "sent")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert sent.returncode == 0, sent.stderr
    assert len(files) == 18, "positive and demonstration 5 each, negative 4, nothing segmented 3, refused 1"
    for name, data in files.items():
        assert _read(orthanc.stored_file(str(_read(data).SOPInstanceUID))) == _read(data), name


def test_all_objects_come_back_unchanged_after_stow_and_are_found_by_accession_number(orthanc: Orthanc) -> None:
    if not DICOMWEB_PLUGIN.is_file():
        pytest.skip("Orthanc's DICOMweb plugin (Debian package orthanc-dicomweb) is not installed")
    files = all_files()
    answer = orthanc.store_by_web(list(files.values()))
    assert len(answer["00081199"]["Value"]) == len(files), "ReferencedSOPSequence: what was stored"
    assert not answer.get("00081198", {}).get("Value"), "FailedSOPSequence"
    for name, data in files.items():
        expected = _read(data)
        uids = (str(expected[each].value) for each in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"))
        assert _read(orthanc.retrieve_by_web(*uids)) == expected, name
    (study,) = orthanc.query_by_web("studies?AccessionNumber=ACC-9&includefield=ModalitiesInStudy")
    assert set(study["00080061"]["Value"]) == {"KO", "OT", "SEG", "SR"}
