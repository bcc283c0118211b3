"""`sidewall select`: which series of a study would be analysed, and why."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from base.wording import WARNING
from core.progress import Tell
from core.reading.limits import DEFAULT_LIMITS
from core.reading.volume_files import holds_volume_files
from core.selection import Selection, SeriesCandidate, SeriesReason, refused_by_headers
from core.site_choices import FilteredImages

_COLOURS = {"chosen": "bold green", "eligible": "green", "excluded": "dim"}


def tell_refusal(path: Path, series_uid: str | None, filtered_images: FilteredImages, tell: Tell) -> None:
    """Tell why headers leave nothing to analyse at `path`, if they do; nothing of it is decided or written here."""
    if series_uid is None and holds_volume_files(path):
        return
    limits = replace(DEFAULT_LIMITS, filtered_images=filtered_images)
    for reason in refused_by_headers(path, series_uid=series_uid, limits=limits):
        tell(f"nothing can be analysed: {reason.message}")


def announcing(tell: Tell) -> Callable[[Selection], None]:
    """Return what tells which of several series is analysed, in lines for the terminal."""

    def announce(selection: Selection) -> None:
        chosen = selection.chosen
        if chosen is None:
            return
        of_all = f"of {len(selection.candidates)} is analysed"
        tell(f"{chosen.label} {of_all}: {chosen.verdict}, {chosen.score:g} points")
        for warning in selection.warnings:
            tell(f"{WARNING}{warning}")

    return announce


def describe_selection(selection: Selection, *, with_descriptions: bool) -> RenderableType:
    """Return the candidates for the terminal: a table, then what speaks for and against each, then the outcome.

    Descriptions are free text, which can hold names: they are shown on request alone.
    """
    parts: list[RenderableType] = []
    if selection.candidates:
        parts.append(_table(selection))
    parts += [_details(candidate, with_descriptions) for candidate in selection.candidates]
    parts.append(Text())
    parts += [Text(f"warning: {warning}", "yellow") for warning in selection.warnings]
    parts += [Text(f"refused ({reason.code}): {reason.message}", "red") for reason in selection.refusal]
    if selection.chosen is not None:
        parts.append(Text(f"chosen: {selection.chosen.label}", _COLOURS["chosen"]))
    return Group(*parts)


def selection_mapping(selection: Selection, *, with_descriptions: bool) -> dict[str, Any]:
    """Return the selection in JSON form; descriptions on request alone."""
    return {
        "chosen": None if selection.chosen is None else selection.chosen.series_instance_uid,
        "refusal": [{"code": str(reason.code), "message": reason.message} for reason in selection.refusal],
        "warnings": list(selection.warnings),
        "candidates": [_candidate_mapping(candidate, with_descriptions) for candidate in selection.candidates],
    }


def _candidate_mapping(candidate: SeriesCandidate, with_descriptions: bool) -> dict[str, Any]:
    described = {"description": candidate.description} if with_descriptions else {}
    return {
        "series_instance_uid": candidate.series_instance_uid,
        "series_number": candidate.series_number,
        "modality": candidate.modality,
        "instance_count": candidate.instance_count,
        "verdict": str(candidate.verdict),
        "score": candidate.score,
        "reasons": [
            {"code": str(reason.code), "message": reason.message, "points": reason.points}
            for reason in candidate.reasons
        ],
        **described,
    }


def _table(selection: Selection) -> Table:
    # Narrow enough for a terminal of 80 columns.
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold underline")
    table.add_column("series", justify="right")
    table.add_column("kind")
    table.add_column("instances", justify="right")
    table.add_column("score", justify="right")
    table.add_column("verdict")
    table.add_column("excluded by")
    for candidate in selection.candidates:
        verdict = "chosen" if candidate is selection.chosen else str(candidate.verdict)
        table.add_row(
            "" if candidate.series_number is None else str(candidate.series_number),
            candidate.modality,
            str(candidate.instance_count),
            f"{candidate.score:.1f}",
            Text(verdict, _COLOURS[verdict]),
            ", ".join(dict.fromkeys(str(reason.code) for reason in candidate.exclusions)),
        )
    return table


def _details(candidate: SeriesCandidate, with_descriptions: bool) -> Text:
    lines = [f"\n{candidate.label}"]
    if with_descriptions:
        lines.append(f"  description: {candidate.description or 'none'}")
    lines += [f"  {_points(reason):>8}  {reason.code}: {reason.message}" for reason in candidate.reasons]
    return Text("\n".join(lines))


def _points(reason: SeriesReason) -> str:
    return "excludes" if reason.points is None else f"{reason.points:+.1f}" if reason.points else "0.0"
