"""Figures of a model card as tables: taken from files as they stand, whatever evaluation wrote them.

An evaluation (`benchmarks.evaluate_model`) and a cross-validation (`sidewall-train evaluate`) are known by their form;
of any file a proportion with counts and interval becomes one row.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeGuard

Figures = Mapping[str, Any]
Row = Sequence[Any]

_LONG: Final = 12
"""Lists of more whole numbers are told as ranges."""


def is_evaluation(figures: Figures) -> bool:
    """Tell whether a file says how a whole bundle did on cases, and on which bundle."""
    return isinstance(figures.get("summary"), Mapping) and isinstance(figures.get("model"), Mapping)


def is_cross_validation(figures: Figures) -> bool:
    """Tell whether a file says how folds did on the cases each was not trained on."""
    return isinstance(figures.get("dice"), Mapping) and "held_out_cases" in figures


def table(header: Row, rows: Sequence[Row]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("|" + "|".join(f" {cell(value)} " for value in line) + "|" for line in lines)


def cell(value: Any) -> str:
    """Return one value as text that cannot break a table."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return numbers(value) if _is_whole(value) else ", ".join(map(_item, value))
    return str(value).replace("|", "\\|").replace("\n", " ")


def _item(value: Any) -> str:
    """Return an item of a list; a list in a list is a size: `1 x 3 x 3`."""
    return " x ".join(map(cell, value)) if isinstance(value, list | tuple) else cell(value)


def numbers(values: Sequence[int]) -> str:
    """Return whole numbers, many of them as ranges: `3-7, 9`."""
    if len(values) <= _LONG:
        return ", ".join(map(str, values))
    ordered = sorted(set(values))
    breaks = [index for index, (low, high) in enumerate(pairwise(ordered), start=1) if high != low + 1]
    runs = [ordered[start:end] for start, end in zip([0, *breaks], [*breaks, len(ordered)], strict=True)]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def proportion_rows(figures: Figures, prefix: str = "") -> Iterator[Row]:
    """Return (name, value, counts, 95 % interval) of every proportion, however deep it lies."""
    for name, value in figures.items():
        if _is_proportion(value):
            counts = f"{value['successes']}/{value['trials']}" if "trials" in value else "not reported"
            yield f"{prefix}{name}", _share(value["value"]), counts, _interval(value.get("interval_95"))
        elif isinstance(value, Mapping):
            yield from proportion_rows(value, f"{prefix}{name}, ")


def other_rows(figures: Figures) -> Iterator[Row]:
    """Return (name, value) of everything that is no proportion."""
    for name, value in figures.items():
        if _is_proportion(value):
            continue
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", each) for inner, each in other_rows(value))
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield name, f"{len(value)} entries"
        elif value is not None:
            yield name, value


def dice_rows(figures: Figures) -> Iterator[Row]:
    """Return (structure, mean, 95 % interval, median, pooled, cases, lowest to highest fold) of a cross-validation."""
    per_fold = figures.get("dice_per_fold", {})
    for name, each in figures["dice"].items():
        folds = [fold[name] for fold in per_fold.values() if fold.get(name) is not None]
        spread = f"{min(folds):.2f} to {max(folds):.2f}" if folds else "not reported"
        found = [_share(each.get(key)) for key in ("mean", "median", "pooled")]
        interval = _interval(each.get("interval_95"))
        yield name, found[0], interval, *found[1:], each.get("cases", "not reported"), spread


def training_rows(figures: Figures) -> list[Row]:
    """Return a header and one row per fold of what a cross-validation says about the training; empty without it."""
    folds = figures.get("training")
    if not isinstance(folds, Mapping) or not all(isinstance(each, Mapping) for each in folds.values()):
        return []
    names = list(dict.fromkeys(name for each in folds.values() for name in each))
    rows = [[fold, *(each.get(name, "not reported") for name in names)] for fold, each in folds.items()]
    return [["fold", *names], *rows] if rows else []


def gate_rows(summary: Figures) -> Iterator[Row]:
    """Return (gate, cases that it warned of) of an evaluation."""
    for name, cases in summary.get("gates", {}).items():
        yield name, f"{len(cases)} of {summary.get('cases', 'not reported')}" if isinstance(cases, list) else cases


def _is_proportion(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping) and "value" in value and ("interval_95" in value or "trials" in value)


def _share(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else "not reported"


def _interval(bounds: Any) -> str:
    if not isinstance(bounds, list) or len(bounds) != 2 or None in bounds:
        return "not reported"
    return f"{bounds[0]:.2f} to {bounds[1]:.2f}"


def _is_whole(values: Sequence[Any]) -> TypeGuard[Sequence[int]]:
    return bool(values) and all(isinstance(value, int) and not isinstance(value, bool) for value in values)
