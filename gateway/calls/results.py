"""The results of a study for whoever may fetch them; every fetch stands in the chain of changes before it begins."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from base.errors import NoResults
from gateway.ledger.history import append
from gateway.ledger.ledger import Ledger
from gateway.ledger.studies import StudyRow, find
from gateway.overview import fetches_subject
from gateway.rejecting import REJECTION
from gateway.spool import Spool

FETCHED: Final = "fetched"


def begin_fetch(
    ledger: Ledger, spool: Spool, name: str, wanted: Sequence[str], by: str
) -> tuple[StudyRow, dict[str, Path]]:
    """Write down who fetches what, and return the study and its files by their names.

    Raises `NoSuchStudy`, or `NoResults` where there are none or one of those wanted is not among them.
    """
    with ledger.read() as connection:
        study = find(connection, name)
    files = _files(spool.case_folder(study.study_uid, study.revision))
    if not files:
        raise NoResults(f"study {study.id} is {study.state} and has no results here")
    missing = [each for each in wanted if each not in files]
    if missing:
        raise NoResults(f"study {study.id} has {len(missing)} of the wanted files not; there: {', '.join(files)}")
    chosen = {each: files[each] for each in wanted or files}
    size_bytes = sum(file.stat().st_size for file in chosen.values())
    said = "all" if not wanted else ", ".join(chosen)
    with ledger.change("fetched") as connection:
        reason = f"by {by}: {len(chosen)} files ({said}), {size_bytes} bytes"
        append(connection, ledger.now_s(), fetches_subject(study), str(study.state), FETCHED, reason)
    return study, chosen


def _files(folder: Path) -> dict[str, Path]:
    """Return the files of a case folder by their names below it, but what is hidden or is a note about them."""
    found = {each.relative_to(folder).as_posix(): each for each in sorted(folder.rglob("*")) if each.is_file()}
    return {
        name: file
        for name, file in found.items()
        if not name.startswith(REJECTION) and not any(part.startswith(".") for part in name.split("/"))
    }
