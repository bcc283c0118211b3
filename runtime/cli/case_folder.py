"""The folder of one case: what an analysis leaves there, and what a repeat of it needs to know."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

from sidewall.artefacts import NamedFile, check_names, save_artefacts

from runtime.core.errors import SettingInvalid
from runtime.results.superseding import EarlierReport

INPUTS_FILE: Final = "inputs.json"

_RESULTS: Final = (
    "findings.json", INPUTS_FILE, "segmentation.dcm", "report.dcm", "key_objects.dcm", "contact_sheet.png",
    "report.html", "report.pdf", "keyimages/*.png", "captures/*.dcm", "gates/*.png",
)  # fmt: skip
"""What an earlier analysis may have left; a new one must not leave half of it beside its own."""


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

    restaging_rules: bool = False
    """Whether the site had switched them on."""

    series_numbers: dict[str, int] = field(default_factory=dict)
    series_descriptions: dict[str, str] = field(default_factory=dict)

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
    """Raise `SettingInvalid` when results could not be written there; leaves nothing behind, no folder either.

    Trying it is surer than asking for permissions, which say nothing of full or read-only disks.
    """
    try:
        there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise _no_folder(folder) from error


def _no_folder(folder: Path) -> SettingInvalid:
    return SettingInvalid("out", str(folder), "a folder that can be made and written")


def write_case(folder: Path, files: Sequence[NamedFile], inputs: CaseInputs) -> None:
    """Write the files of a result in place of an earlier one's; `findings.json` last, as the sign that all is there.

    Raises `ValueError`, before anything is touched, when the name of a file would lead out of the folder, and
    `SettingInvalid` when the folder cannot be made.
    """
    check_names(files)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _no_folder(folder) from error
    for pattern in _RESULTS:
        for stale in folder.glob(pattern):
            stale.unlink()
    (folder / INPUTS_FILE).write_text(inputs.to_json(), encoding="utf-8")
    save_artefacts(sorted(files, key=lambda each: each.name == "findings.json"), folder)


def absolute(path: Path | None) -> str | None:
    """Return a path that holds from everywhere on this machine."""
    return None if path is None else str(path.resolve())
