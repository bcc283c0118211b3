"""What of a study is read: all of it where it holds one series, else the instances of the one that is chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import Reason, RefusalCode
from core.reading.files import NameAside, name_no_file
from core.reading.limits import DEFAULT_LIMITS, ReadingLimits
from core.selection.candidates import SeriesCandidate
from core.selection.selecting import Selection, select_series


@dataclass(frozen=True, eq=False)
class ChosenSource:
    """What to give to `core.reading.read_series`."""

    source: Path | Sequence[Path | bytes]

    warnings: tuple[str, ...] = ()
    """What the choice left out or overruled; no patient data."""

    others: tuple[SeriesCandidate, ...] = ()
    """The other series that the input holds, of whatever kind; empty where it holds one."""


def choose_series(
    source: Path | Sequence[Path | bytes],
    *,
    series_uid: str | None = None,
    limits: ReadingLimits = DEFAULT_LIMITS,
    name_aside: NameAside = name_no_file,
    announce: Callable[[Selection], None] = lambda _: None,
) -> ChosenSource:
    """Return the input as it is when it holds one series and none is named, else what was chosen of it.

    The rules are those of `select_series`; `announce` learns of a choice once it is made, and `name_aside` the names of
    files that hold no image. Raises `NoSeriesChosen` with the headers of those among which none was chosen.
    """
    aside: list[tuple[str, str]] = []
    selection = select_series(
        source, series_uid=series_uid, limits=limits, name_aside=lambda name, kind: aside.append((name, kind))
    )
    if len(selection.candidates) < 2 and series_uid is None:
        return ChosenSource(source)  # Reading itself judges the series, and names what it leaves aside.
    for name, kind in aside:
        name_aside(name, kind)
    instances = selection.require()
    announce(selection)
    others = tuple(each for each in selection.candidates if each is not selection.chosen)
    return ChosenSource(instances, selection.warnings, others)


def refused_by_headers(
    source: Path | Sequence[Path | bytes], *, series_uid: str | None = None, limits: ReadingLimits = DEFAULT_LIMITS
) -> tuple[Reason, ...]:
    """Return why headers alone leave nothing to analyse, by the rules of `select_series`; empty where reading decides.

    Of a single series reading decides itself what is merely preferred.
    """
    selection = select_series(source, series_uid=series_uid, limits=limits)
    if selection.chosen is not None:
        return ()
    if len(selection.candidates) == 1 and series_uid is None:
        exclusions = selection.candidates[0].exclusions
        return selection.refusal if any(isinstance(each.code, RefusalCode) for each in exclusions) else ()
    return selection.refusal
