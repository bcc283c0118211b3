"""What the operating system refuses has a code of its own, with the place and what helps."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sidewall import CaseOptions
from sidewall.transfer import SeriesUpload

from analytics.errors import FileUnusable, file_failure
from base.errors import SidewallError
from base.exit_status import exit_status
from base.system_errors import system_error
from core.errors import CaseRefused
from core.reading import read_series
from tests.fixtures.other_users import not_root, open_folder
from tests.fixtures.tiny_series import write_tiny_series

CODES = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EROFS: "read_only_storage",
    errno.EACCES: "permission_lacking",
    errno.EPERM: "permission_lacking",
    errno.EMFILE: "too_many_open_files",
    errno.ENFILE: "too_many_open_files",
    errno.EIO: "storage_gone",
    errno.ESTALE: "storage_gone",
}

LIMITED = """
import resource, sys
from pathlib import Path
from runtime.analysis.case_folder import CaseInputs, write_case
from base.errors import TooManyOpenFiles
from core.reading import read_series
read_series(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
for work in (lambda: read_series(Path(sys.argv[1])), lambda: write_case(Path(sys.argv[2]), [], CaseInputs("x"))):
    try:
        work()
    except TooManyOpenFiles as error:
        print(error)
"""


@pytest.mark.parametrize(("number", "code"), CODES.items())
def test_each_error_has_its_code_place_reason_and_remedy(number: int, code: str) -> None:
    for failure in (
        system_error(OSError(number, "", "/data/x"), "/out"),
        file_failure(OSError(number, os.strerror(number), "/data/x"), "/out"),
    ):
        assert failure is not None
        assert failure.code == code
        assert str(failure).startswith("/out: ")
        assert os.strerror(number).lower() in str(failure).lower()
        assert "; " in str(failure)


def test_without_a_place_the_path_that_the_system_names_is_told() -> None:
    failure = system_error(OSError(errno.ENOSPC, "", "/data/x"))
    assert str(failure) == (
        "/data/x: no space is left (no space left on device); make room there, or name another place"
    )


def test_lack_of_memory_is_one_of_them() -> None:
    failure = system_error(MemoryError())
    assert isinstance(failure, SidewallError)
    assert (failure.code, exit_status(failure)) == ("out_of_memory", 8)


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "", "x"), ValueError("x"), OSError("x")])
def test_other_errors_are_none_of_the_systems(error: Exception) -> None:
    assert system_error(error) is None
    if isinstance(error, OSError):
        assert type(file_failure(error)) is FileUnusable


def test_too_many_open_files_are_no_fault_of_the_input_nor_of_the_folder(tmp_path: Path) -> None:
    write_tiny_series(tmp_path / "series")
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "series"), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    words = "no more files may be opened (too many open files); raise the limit (ulimit -n; LimitNOFILE= in the unit)"
    assert done.stdout.splitlines() == [f"the input: {words}", f"{tmp_path / 'out'}: {words}"]
    assert not (tmp_path / "out").exists()


def test_a_folder_of_the_input_that_cannot_be_listed_is_not_passed_over() -> None:
    with open_folder() as folder:
        write_tiny_series(folder / "series")
        (folder / "series" / "more").mkdir(mode=0o000)
        with not_root():
            with pytest.raises(CaseRefused, match=r"not_dicom: a file of the input cannot be read \(PermissionError\)"):
                read_series(folder / "series")
            with pytest.raises(PermissionError):
                SeriesUpload(folder / "series", CaseOptions())
