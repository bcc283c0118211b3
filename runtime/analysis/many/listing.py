"""Which cases a run over many is about: the entries of a folder, or the lines of a list.

Nothing is guessed: with `--jobs` a folder is one of cases, without it one of a single study. A folder that holds images
itself, or whose entries are all of one study, is therefore refused, with what to do instead.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from base.errors import SettingInvalid
from core.case_names import checked_case_id
from core.progress import Tell
from core.selection.study import study_uid_of

CSV_FILE: Final = "cases.csv"
JSON_FILE: Final = "cases.json"

LIST_SUFFIXES: Final = (".csv", ".txt")
_CASE_SUFFIXES: Final = (".zip", ".nii", ".nii.gz", ".nrrd")
"""Of files that are a case by themselves."""

_COLUMNS: Final = ("input", "name", "case_id", "time_point", "series_uid", "prior", "prior_images")
_NAME: Final = re.compile(r"[^./\\\0-\x1f][^/\\\0-\x1f]{0,99}\Z")
_SAME_STUDY: Final = "another entry holds images of the same study; allowed: a list (.csv) that names what is analysed"


@dataclass(frozen=True)
class ListedCase:
    """One case of a run."""

    name: str
    """Of its folder below `--out`; unique in the run."""

    input: Path
    """A study, series, archive or image, as `sidewall analyze` takes one."""

    case_id: str | None = None
    """The caller's name for the case in its findings; None gives a pseudonym."""

    time_point: str = "unknown"
    series_uid: str | None = None
    prior: Path | None = None
    """Findings of an earlier study of the same patient."""

    prior_images: Path | None = None
    """The images of that study."""

    unfit: str = ""
    """Why it is not begun; empty for one that is."""


def list_cases(source: Path, out: Path, time_point: str, tell: Tell) -> tuple[ListedCase, ...]:
    """Return the cases of a folder or of a list, in order of name or of line; `tell` takes what is left aside.

    `time_point` is of every case for which the list names none. Raises `SettingInvalid`, before anything is analysed,
    on a folder that is one study, on a list with an unknown column, an absent input or a name twice, and on results
    that would go among the inputs.
    """
    if source.is_dir():
        cases = _of_folder(source, out, tell)
    elif source.suffix.lower() in LIST_SUFFIXES:
        cases = _of_list(source)
    else:
        allowed = "a folder with one folder, .zip, .nii, .nii.gz or .nrrd file per case, or a list (.csv, .txt)"
        raise SettingInvalid("jobs", str(source), f"{allowed}; one study is analysed without --jobs")
    _require_distinct(cases)
    return tuple(replace(each, time_point=each.time_point or time_point) for each in cases)


def _of_folder(folder: Path, out: Path, tell: Tell) -> list[ListedCase]:
    if out.resolve().is_relative_to(folder.resolve()):
        raise SettingInvalid("out", str(out), f"a folder outside of {folder}, whose entries are the cases")
    entries = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    found = [each for each in entries if each.is_dir() or each.name.lower().endswith(_CASE_SUFFIXES)]
    loose = [each for each in entries if each not in found]
    if any(study_uid_of([each]) for each in loose if each.is_file()):
        raise _one_study(folder, "it holds images itself")
    if loose:
        tell(f"left aside beside the cases: {len(loose)} (neither folder nor .zip, .nii, .nii.gz or .nrrd)")
    if not found:
        raise SettingInvalid("jobs", str(folder), "a folder with at least one case in it")
    return _without_shared_studies(folder, [ListedCase(_stem(each), each, time_point="") for each in found])


def _without_shared_studies(folder: Path, cases: Sequence[ListedCase]) -> list[ListedCase]:
    """Return the cases, unfit where several entries are of one study: which of them is the case is not ours to say."""
    studies = [study_uid_of(each.input) for each in cases]
    counts = Counter(study for study in studies if study)
    if len(cases) > 1 and len(counts) == 1 and counts.total() == len(cases):
        raise _one_study(folder, "all its entries are of one study")
    return [
        replace(case, unfit=_SAME_STUDY) if counts[study] > 1 else case
        for case, study in zip(cases, studies, strict=True)
    ]


def _one_study(folder: Path, why: str) -> SettingInvalid:
    allowed = "a folder with one entry per case; one study is analysed without --jobs, several of its series by a list"
    return SettingInvalid("jobs", str(folder), f"{allowed} ({why})")


def _of_list(file: Path) -> list[ListedCase]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid("jobs", str(file), "a list that can be read, in UTF-8") from error
    if file.suffix.lower() == ".csv":
        return _of_rows(file, text)
    lines = [line.strip() for line in text.splitlines()]
    return [_listed(file, number, {"input": line}) for number, line in enumerate(lines, 1) if line and line[0] != "#"]


def _of_rows(file: Path, text: str) -> list[ListedCase]:
    reader = csv.DictReader(text.splitlines(), strict=True)
    try:
        columns, rows = reader.fieldnames or (), list(reader)
    except csv.Error as error:
        raise SettingInvalid("jobs", str(file), "a table of comma-separated values") from error
    if "input" not in columns or not set(columns) <= set(_COLUMNS):
        raise SettingInvalid("jobs", ", ".join(columns), f"columns of {file}: input, and of {', '.join(_COLUMNS[1:])}")
    return [_listed(file, number, row) for number, row in enumerate(rows, 2)]


def _listed(file: Path, number: int, row: dict[str, str | None]) -> ListedCase:
    """Return the case of one line; paths are relative to the list. Raises `SettingInvalid` with the line's number."""
    given = {name: (row.get(name) or "").strip() for name in _COLUMNS}
    path, prior, images = (file.parent / given[name] for name in ("input", "prior", "prior_images"))
    if None in row or not given["input"] or not path.exists():
        raise SettingInvalid("jobs", f"line {number} of {file}", "a line that names an input that is there")
    if given["prior"] and not prior.is_file():
        raise SettingInvalid("prior", f"line {number} of {file}", "a findings.json that is there")
    if not images.exists():
        raise SettingInvalid("prior_images", f"line {number} of {file}", "images that are there")
    name = given["name"] or given["case_id"] or _stem(path.resolve())
    return ListedCase(
        name,
        path,
        checked_case_id(given["case_id"]),
        given["time_point"],
        given["series_uid"] or None,
        prior if given["prior"] else None,
        images if given["prior_images"] else None,
    )


def _stem(path: Path) -> str:
    """Return the name of an entry without the ending of a file that is a case."""
    ending = next((each for each in _CASE_SUFFIXES if path.is_file() and path.name.lower().endswith(each)), "")
    return path.name[: len(path.name) - len(ending)]


def _require_distinct(cases: Iterable[ListedCase]) -> None:
    taken = {CSV_FILE, JSON_FILE}
    for case in cases:
        if not _NAME.match(case.name):
            allowed = "1 to 100 characters without a slash or control character, not beginning with a dot"
            raise SettingInvalid("name", case.name, allowed)
        # Some file systems do not tell the case of letters.
        if case.name.lower() in taken:
            raise SettingInvalid("name", case.name, "a name that no other case has; a list (.csv) may name each")
        taken.add(case.name.lower())
