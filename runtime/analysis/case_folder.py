"""The folder of one case: what an analysis leaves there, and what a repeat of it needs to know."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

from sidewall.artefacts import NamedFile
from sidewall.case_folder import save_case

from base.errors import SettingInvalid
from base.storage import write_trial
from base.system_errors import system_error
from runtime.results.superseding import EarlierReport

INPUTS_FILE: Final = "inputs.json"

_TRIAL_BYTES: Final = 4 << 20
"""About what a result takes."""


@dataclass(frozen=True)
class CaseInputs:
    """Where the input of an analysis lay, kept beside its results so that `sidewall replay` finds it again."""

    series: str
    """Path of the DICOM input."""

    series_uid: str | None = None
    """The series that was named on the command line."""

    takes_one_series: bool = False
    """Whether the input has to be one series: `score` and a server never choose one of several."""

    bundle: str | None = None
    segmentation: str | None = None
    """Path of the label map that was scored in the place of a model's."""

    labels: str | None = None
    """What its values stand for, as given."""

    prior: str | None = None
    """Path of the findings of an earlier study."""

    prior_images: str | None = None
    """Path of the images of that study."""

    restaging_rules: bool = False
    """Whether the site had switched them on."""

    takes_filtered_images: bool = False
    """Whether the site let images pass that a vendor's filter made."""

    encapsulated_pdf: bool = False
    structure_set: bool = False
    report_names_study: bool = True
    """Which further objects the site had written, and whether the report named the study."""

    taken_series_numbers: list[int] = field(default_factory=list)
    """Series numbers of the study's other series, which whoever called named."""

    series_numbers: dict[str, int] = field(default_factory=dict)
    series_descriptions: dict[str, str] = field(default_factory=dict)
    run: dict[str, str] = field(default_factory=dict)
    """By what a run over many cases knows its result again (`runtime.analysis.many.marks`); empty of a single case."""

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """Return what a file says; None without the file. Raises `SettingInvalid` when it is damaged."""
        try:
            values: Any = json.loads(file.read_text(encoding="utf-8"))
            return cls(**{each.name: values[each.name] for each in fields(cls) if each.name in values})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise SettingInvalid("inputs", str(file), "the inputs.json that an analysis wrote") from error

    def to_json(self) -> str:
        """Return the text of the file."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def earlier_report(folder: Path) -> EarlierReport | None:
    """Return the report that an earlier analysis left in the folder; None without one that can be read as such."""
    try:
        return EarlierReport.read(_report_file(folder).read_bytes())
    except (OSError, SettingInvalid):
        return None


def earlier_report_file(folder: Path) -> bytes | None:
    """Return the content of that report's file, for a server that reads it itself."""
    return None if earlier_report(folder) is None else _report_file(folder).read_bytes()


def _report_file(folder: Path) -> Path:
    return folder / "report.dcm"


def require_writable(folder: Path) -> None:
    """Raise the error that writing results there would end with, before minutes of work; leaves nothing behind.

    Raises `SystemFailed`, or `SettingInvalid` where no folder can be.
    """
    with _naming(folder):
        write_trial(folder, _TRIAL_BYTES)


@contextmanager
def _naming(folder: Path) -> Iterator[None]:
    """Turn the system's errors into ours, with the folder that the user gave."""
    try:
        yield
    except OSError as error:
        failure = system_error(error, str(folder))
        raise failure or SettingInvalid("out", str(folder), "a folder that can be made and written") from error


@dataclass(frozen=True)
class _InputsFile:
    """`inputs.json` as a file of a result."""

    inputs: CaseInputs
    name: str = INPUTS_FILE

    @property
    def data(self) -> bytes:
        """Content."""
        return self.inputs.to_json().encode()


def write_case(folder: Path, files: Sequence[NamedFile], inputs: CaseInputs) -> None:
    """Write the files of a result in place of an earlier one's, all of them or none (`sidewall.case_folder`).

    Raises `ValueError`, before anything is touched, when the name of a file would lead out of the folder,
    `SystemFailed`, and `SettingInvalid` when no folder can be made there.
    """
    with _naming(folder):
        save_case([*files, _InputsFile(inputs)], folder)


def absolute(path: Path | None) -> str | None:
    """Return a path that holds from everywhere on this machine."""
    return None if path is None else str(path.resolve())
