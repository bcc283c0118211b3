import io
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from core.errors import CaseRefused, RefusalCode
from core.reading import ReadingLimits, read_series
from core.reading.files import collect_files
from core.reading.volume_files import holds_volume_files
from tests.core.dicom_cases import ROOT, classic, encode, encode_all, image


@pytest.fixture
def instances() -> list[bytes]:
    """Return the seven files of a readable series."""
    return encode_all(classic(image()))


def write(folder: Path, contents: list[bytes], pattern: str = "IM{:04d}") -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / pattern.format(number) for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def codes(source: Path | list[Path | bytes], limits: ReadingLimits | None = None) -> list[RefusalCode]:
    with pytest.raises(CaseRefused) as refused:
        read_series(source, limits or ReadingLimits())
    return [reason.code for reason in refused.value.reasons]


def directory_object() -> bytes:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"{ROOT}.50")
    dataset.FileSetID = "SET"
    return encode(dataset)


def report_object() -> bytes:
    dataset = classic(image())[0]
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated"):
        del dataset[keyword]
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = BasicTextSRStorage
    dataset.Modality, dataset.SeriesInstanceUID = "SR", f"{ROOT}.51"
    return encode(dataset)


def test_bytes_paths_directory_and_zip_give_the_same_series(tmp_path: Path, instances: list[bytes]) -> None:
    paths = write(tmp_path / "case", instances)
    archive = zipped(tmp_path / "case.bin", {f"a/b/{number}": content for number, content in enumerate(instances)})
    expected = read_series(instances)
    sources: list[Path | Sequence[Path | bytes]] = [paths, [paths[0], *instances[1:]], tmp_path / "case", archive]
    for source in sources:
        series = read_series(source)
        assert series.frames == expected.frames
        np.testing.assert_array_equal(series.volume.voxels, expected.volume.voxels)


@pytest.mark.parametrize("pattern", ["{}.dcm", "{}.IMA", "1.2.840.{}", "MR{}", "deep/er/{}.dcm"])
def test_a_directory_is_read_whatever_its_images_are_called(
    tmp_path: Path, instances: list[bytes], pattern: str
) -> None:
    (tmp_path / "deep/er").mkdir(parents=True)
    write(tmp_path, instances, pattern)
    series = read_series(tmp_path)
    assert series.volume.shape[0] == 7
    assert series.warnings == ()


def test_what_accompanies_images_is_ignored_and_counted(tmp_path: Path, instances: list[bytes]) -> None:
    write(tmp_path / "images", instances)
    (tmp_path / "DICOMDIR").write_bytes(directory_object())
    (tmp_path / "report").write_bytes(report_object())
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1\x00")
    (tmp_path / "README").write_text("hello")
    (tmp_path / "empty").mkdir()
    assert read_series(tmp_path).warnings == (
        "left aside, without a DICOM image: 2 DICOM objects, 1 desktop file, 2 texts",
    )


@pytest.mark.parametrize("content", [b"", b"abcd", b"just text\n" * 100, b"\x08\x00" + b"\xff" * 50, b"PK\x03\x04xxxx"])
def test_a_file_that_could_be_a_slice_but_is_no_dicom_is_refused(
    tmp_path: Path, instances: list[bytes], content: bytes
) -> None:
    write(tmp_path, [*instances, content], "IM{:04d}.dcm")
    assert codes(tmp_path) == [RefusalCode.NOT_DICOM]


@pytest.mark.parametrize("content", [b"", b"\x08\x00" + b"\xff" * 50, b"PK\x03\x04xxxx"])
def test_a_content_without_a_name_that_could_be_a_slice_is_refused(instances: list[bytes], content: bytes) -> None:
    assert codes([*instances, content]) == [RefusalCode.NOT_DICOM]


def test_a_text_without_a_name_is_left_aside_as_a_stray_of_a_folder_is(instances: list[bytes]) -> None:
    warnings = read_series([*instances, b"just text\n" * 100]).warnings
    assert warnings == ("left aside, without a DICOM image: 1 text",)


@pytest.mark.parametrize("content", [b"", b"abcd", b"just text\n" * 100])
def test_a_single_file_that_is_no_dicom_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.dcm"
    path.write_bytes(content)
    assert codes(path) == [RefusalCode.NOT_DICOM]
    assert codes([path]) == [RefusalCode.NOT_DICOM]
    assert codes([content]) == [RefusalCode.NOT_DICOM]


def test_junk_alone_reports_alone_and_nothing_are_refused(tmp_path: Path) -> None:
    assert codes(tmp_path) == [RefusalCode.EMPTY_INPUT]
    assert codes([]) == [RefusalCode.EMPTY_INPUT]
    assert codes(tmp_path / "nowhere") == [RefusalCode.EMPTY_INPUT]
    assert codes(zipped(tmp_path / "empty.zip", {})) == [RefusalCode.EMPTY_INPUT]
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk/notes.txt").write_text("hello")
    assert codes(tmp_path / "junk") == [RefusalCode.NOT_DICOM]
    assert codes([report_object(), directory_object()]) == [RefusalCode.NOT_DICOM]


def test_a_path_in_a_list_that_cannot_be_read_is_refused(tmp_path: Path, instances: list[bytes]) -> None:
    assert codes([*instances, tmp_path / "nowhere.dcm"]) == [RefusalCode.NOT_DICOM]
    assert codes([*instances, tmp_path]) == [RefusalCode.NOT_DICOM]


def test_refusals_name_no_file(tmp_path: Path) -> None:
    path = tmp_path / "DOE_JANE.dcm"
    path.write_bytes(b"abcd")
    for source in (path, tmp_path, tmp_path / "DOE_JANE_2"):
        with pytest.raises(CaseRefused) as refused:
            read_series(source)
        assert "DOE" not in str(refused.value)


def test_a_damaged_or_encrypted_archive_is_refused(tmp_path: Path, instances: list[bytes]) -> None:
    archive = zipped(tmp_path / "a.zip", {str(number): content for number, content in enumerate(instances)})
    content = bytearray(archive.read_bytes())
    archive.write_bytes(content[: len(content) // 2])
    assert codes(archive) == [RefusalCode.NOT_DICOM]
    archive.write_bytes(content[:200] + bytes(100) + content[300:])
    assert codes(archive) == [RefusalCode.NOT_DICOM]
    encrypted = zipped(tmp_path / "b.zip", {"one": instances[0]}, zipfile.ZIP_STORED)
    content = bytearray(encrypted.read_bytes())
    content[6] |= 1  # general purpose flag 0 of the local header and of the central directory: encrypted
    content[content.index(b"PK\x01\x02") + 8] |= 1
    encrypted.write_bytes(content)
    assert codes(encrypted) == [RefusalCode.NOT_DICOM]


def test_a_zip_bomb_is_stopped_at_the_limit(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb.zip", {"slice": bytes(30_000_000)})
    assert bomb.stat().st_size < 100_000
    assert codes(bomb, ReadingLimits(max_input_bytes=1_000_000)) == [RefusalCode.TOO_LARGE]


def test_an_archive_that_lies_about_its_sizes_is_stopped_at_the_limit(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb.zip", {"slice": bytes(3_000_000)})
    content = bomb.read_bytes().replace((3_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    bomb.write_bytes(content)
    assert codes(bomb, ReadingLimits(max_input_bytes=1_000_000))[0] in (RefusalCode.NOT_DICOM, RefusalCode.TOO_LARGE)


def test_archive_members_are_never_written_to_disk(tmp_path: Path, instances: list[bytes]) -> None:
    members = {f"../../outside/{number}.dcm": content for number, content in enumerate(instances)}
    (tmp_path / "inner").mkdir()
    assert read_series(zipped(tmp_path / "inner" / "a.zip", members)).volume.shape[0] == 7
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.zip", "inner"]


def test_too_many_files_and_too_many_bytes_are_refused(tmp_path: Path, instances: list[bytes]) -> None:
    paths = write(tmp_path, instances)
    assert codes(list(instances), ReadingLimits(max_files=6)) == [RefusalCode.TOO_LARGE]
    assert codes(tmp_path, ReadingLimits(max_files=6)) == [RefusalCode.TOO_LARGE]
    size = sum(path.stat().st_size for path in paths)
    assert codes(list(paths), ReadingLimits(max_input_bytes=size - 1)) == [RefusalCode.TOO_LARGE]
    assert len(collect_files(paths, ReadingLimits(max_input_bytes=size))) == 7


def test_a_deflated_bomb_is_not_inflated(instances: list[bytes]) -> None:
    dataset = classic(image())[0]
    dataset.DataSetTrailingPadding = bytes(5_000_000)
    bomb = encode(dataset, DeflatedExplicitVRLittleEndian)
    assert len(bomb) < 20_000
    assert read_series([bomb, *instances[1:]]).volume.shape[0] == 7
    assert codes([bomb, *instances[1:]], ReadingLimits(max_input_bytes=1_000_000)) == [RefusalCode.NOT_DICOM]


def test_files_without_preamble_or_meta_information_are_read(instances: list[bytes]) -> None:
    bare = []
    for content in instances:
        start = 144 + int.from_bytes(content[140:144], "little")
        bare.append(content[start:])
    np.testing.assert_array_equal(read_series(bare).volume.voxels, image().voxels)
    without_preamble = [content[132:] for content in instances]
    np.testing.assert_array_equal(read_series(without_preamble).volume.voxels, image().voxels)


def test_a_zip_within_a_list_is_no_instance(tmp_path: Path, instances: list[bytes]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("one.dcm", instances[0])
    assert codes([buffer.getvalue()]) == [RefusalCode.NOT_DICOM]


def test_a_pipe_is_counted_beside_images_and_refused_in_their_place(instances: list[bytes], tmp_path: Path) -> None:
    write(tmp_path / "in", instances)
    os.mkfifo(tmp_path / "in" / "A")
    assert "left aside, without a DICOM image: 1 special file" in read_series(tmp_path / "in").warnings
    assert not holds_volume_files(tmp_path / "in")
    assert codes(tmp_path / "in" / "A") == [RefusalCode.NOT_DICOM]
    assert codes([tmp_path / "in" / "A"]) == [RefusalCode.NOT_DICOM]


def test_what_a_sender_left_out_is_counted_with_what_is_left_aside_here(instances: list[bytes]) -> None:
    told = {"special file": 1, "other file": 2}
    warnings = read_series([*instances, report_object()], left_aside=told).warnings
    assert "left aside, without a DICOM image: 1 DICOM object, 2 other files, 1 special file" in warnings
