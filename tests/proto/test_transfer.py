"""What the client sends: instances in chunks, whatever form the caller has them in."""

import copy
import gzip
import os
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sidewall.convert import findings_to_dict, findings_to_message
from sidewall.options import CaseOptions
from sidewall.transfer import CHUNK_BYTES, Geometry, SeriesUpload, volume_requests
from sidewall.v1 import analysis_pb2

from core.findings_json import to_mapping
from tests.proto.test_convert import full_findings

INSTANCES = {"a.dcm": b"\0" * 128 + b"DICM" + b"a", "sub/b": b"b" * (2 * CHUNK_BYTES + 1), "c.dcm": b""}
GEOMETRY = Geometry((1, 1, 2), (3, 1, 1), (0, 0, 0), ((0, 0, 1), (0, 1, 0), (1, 0, 0)), "int16")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "series"
    for name, data in INSTANCES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def sent(requests: Iterable[analysis_pb2.AnalyzeSeriesRequest]) -> list[bytes]:
    """Return the instances that the messages carry."""
    start, *parts = requests
    instances, pending = [], b""
    for part in parts:
        pending += part.instance.data
        if part.instance.last:
            instances.append(pending)
            pending = b""
    assert start.start.instance_count == len(instances)
    assert pending == b""
    return instances


def test_directory_zip_files_and_bytes_send_the_same(folder: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "series"), "zip", folder)
    files = [folder / name for name in INSTANCES]
    for source in (folder, str(folder), archive, files, list(INSTANCES.values())):
        assert sorted(sent(SeriesUpload(source, CaseOptions()))) == sorted(INSTANCES.values())


def test_no_message_is_larger_than_a_chunk_with_its_frame(folder: Path) -> None:
    assert max(request.ByteSize() for request in SeriesUpload(folder, CaseOptions())) < CHUNK_BYTES + 64


def test_files_beside_the_images_stay_at_home(folder: Path) -> None:
    (folder / "README.txt").write_text("Exported on a Monday.\n")
    (folder / ".DS_Store").write_bytes(b"x")
    assert sorted(sent(SeriesUpload(folder, CaseOptions()))) == sorted(INSTANCES.values())


def test_a_damaged_slice_and_a_slice_named_as_text_are_sent(folder: Path) -> None:
    (folder / "d.dcm").write_bytes(b"DICM")
    (folder / "e.txt").write_bytes(INSTANCES["a.dcm"])
    assert len(sent(SeriesUpload(folder, CaseOptions()))) == len(INSTANCES) + 2


def test_packages_of_instances_are_sent_and_others_stay_at_home(folder: Path) -> None:
    packed = gzip.compress(INSTANCES["a.dcm"])
    (folder / "d.dcm.gz").write_bytes(packed)
    with zipfile.ZipFile(folder / "rest.zip", "w") as archive:
        archive.writestr("a.dcm", INSTANCES["a.dcm"])
    with zipfile.ZipFile(folder / "letter.docx", "w") as archive:
        archive.writestr("word.xml", "<a/>")
    (folder / "scan.nii.gz").write_bytes(gzip.compress(b"n" * 400))
    (folder / "cut.gz").write_bytes(packed[:12])
    kept = [*INSTANCES.values(), packed, (folder / "rest.zip").read_bytes()]
    assert sorted(sent(SeriesUpload(folder, CaseOptions()))) == sorted(kept)


def test_a_folder_of_companions_only_is_sent_so_that_the_server_can_say_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no MRI")
    assert sent(SeriesUpload(tmp_path, CaseOptions())) == [b"no MRI"]


def test_an_empty_directory_announces_no_instance(tmp_path: Path) -> None:
    assert sent(SeriesUpload(tmp_path, CaseOptions())) == []


def test_a_path_that_does_not_exist_is_an_error_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        SeriesUpload(tmp_path / "nowhere", CaseOptions())


def test_a_file_that_vanishes_on_the_way_is_kept_as_the_failure(folder: Path) -> None:
    upload = SeriesUpload(folder, CaseOptions())
    (folder / "a.dcm").unlink()
    assert len(list(upload)) == 1
    assert isinstance(upload.failure, FileNotFoundError)


def test_a_damaged_zip_member_is_kept_as_the_failure(tmp_path: Path) -> None:
    archive = tmp_path / "series.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("a.dcm", b"a" * 100)
    damaged = archive.read_bytes().replace(b"a" * 100, b"b" * 100)
    archive.write_bytes(damaged)
    upload = SeriesUpload(archive, CaseOptions())
    list(upload)
    assert isinstance(upload.failure, zipfile.BadZipFile)


def test_options_and_geometry_arrive_as_given() -> None:
    options = CaseOptions("case 7", "restaging", "case 6")
    start, *parts = volume_requests(b"\1\0\2\0", GEOMETRY, options)
    assert [part.voxels for part in parts] == [b"\1\0\2\0"]
    assert start.start.options.case_id == "case 7"
    assert start.start.options.context.prior_case_id == "case 6"
    assert (start.start.shape_zyx.z, start.start.shape_zyx.x) == (1, 2)
    assert start.start.direction.lps_x.x == 1.0
    assert start.start.voxel_type == analysis_pb2.VOXEL_TYPE_INT16


def test_an_unknown_word_says_which_words_are_allowed() -> None:
    with pytest.raises(ValueError, match="time_point is 'later'; allowed: baseline, restaging or unknown"):
        CaseOptions(time_point="later").to_message()  # type: ignore[arg-type]


def test_files_behind_links_are_sent_once_and_a_link_that_leads_nowhere_is_a_failure(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "d.dcm").write_bytes(b"d")
    (folder / "rest").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (folder / "sub" / "loop").symlink_to(folder, target_is_directory=True)
    assert sorted(sent(SeriesUpload(folder, CaseOptions()))) == sorted([*INSTANCES.values(), b"d"])
    (folder / "gone.dcm").symlink_to(folder / "nowhere.dcm")
    upload = SeriesUpload(folder, CaseOptions())
    list(upload)
    assert isinstance(upload.failure, FileNotFoundError)


def test_what_stays_at_home_is_counted_for_the_server_and_named_to_the_caller_alone(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "sub" / "README.txt").write_text("Exported on a Monday.\n")
    (folder / "sub" / "loop").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "pipe.dcm")
    named: list[tuple[str, str]] = []
    upload = SeriesUpload(folder, CaseOptions(), lambda name, kind: named.append((name, kind)))
    assert sorted(sent(upload)) == sorted(INSTANCES.values())
    assert sorted(named) == [
        ("pipe.dcm", "special file"),
        ("sub/README.txt", "other file"),
        ("sub/loop", "repeated folder link"),
    ]
    start = next(iter(upload)).start
    assert start.left_aside == analysis_pb2.LeftAside(companions=1, special_files=1, repeated_folder_links=1)
    assert b"README" not in start.SerializeToString()


def test_a_pipe_in_the_place_of_a_series_is_an_error_of_the_caller_and_waits_for_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for source in (tmp_path / "pipe", [tmp_path / "pipe"]):
        with pytest.raises(OSError, match="a pipe, socket or device, and no file"):
            SeriesUpload(source, CaseOptions())


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("case_id", 7, "case_id is 7; allowed: text"),
        ("time_point", "later", "time_point is 'later'; allowed: baseline, restaging or unknown"),
        ("priority", "soon", "priority is 'soon'; allowed: routine or urgent"),
        ("prior_case_id", b"x", "prior_case_id is b'x'; allowed: text"),
        ("prior", "findings.json", "prior is 'findings.json'; allowed: findings in JSON form"),
        ("prior", {"status": "negative"}, r"prior: findings\.schema_version is absent"),
        ("earlier_report", "report.dcm", "earlier_report is 'report.dcm'; allowed: the bytes"),
        ("analysed_at", "2026-11-30T08:00:00", "analysed_at is '2026-11-30T08:00:00'; allowed: ISO 8601 with its zone"),
        ("refusal", ("no_suitable_series",), "refusal is an array of 1; allowed: reasons"),
    ],
)
def test_an_option_that_is_not_allowed_is_said_before_anything_is_sent(
    folder: Path, option: str, value: Any, named: str
) -> None:
    options = replace(CaseOptions(), **{option: value})
    with pytest.raises(ValueError, match=named):
        SeriesUpload(folder, options)
    with pytest.raises(ValueError, match=named):
        volume_requests(b"", GEOMETRY, options)


@pytest.mark.parametrize(
    ("field", "value"),
    [("shape_zyx", (1, 2)), ("spacing_mm_zyx", ("a", 1, 1)), ("voxel_type", "int12"), ("direction", 3)],
)
def test_a_geometry_that_is_not_allowed_is_said_before_anything_is_sent(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field):
        volume_requests(b"", replace(GEOMETRY, **{field: value}), CaseOptions())


def test_what_a_later_version_added_to_an_earlier_study_is_passed_over() -> None:
    known = to_mapping(full_findings()) | {"refusal": []}
    later = copy.deepcopy(known) | {"schema_version": "1.9", "added": {"later": [1]}}
    later["nodes"][0]["added"] = "later"
    later["input"]["added"] = 1
    sent_with = CaseOptions(prior=later).to_message().prior
    assert findings_to_dict(sent_with) == findings_to_dict(findings_to_message(known | {"schema_version": "1.9"}))
