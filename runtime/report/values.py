"""How single values of the findings are written: with their unit, and never as 0 when they were not computed."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, Final

from core.findings import Node

NOT_COMPUTED: Final = "not computed"

ABSENT: Final = "-"
"""In a table, what there can be no value of, such as the probability of a node that no model has seen."""

_UNITS: Final = (
    ("_mm_zyx", "mm (z, y, x)"),
    ("_lps_mm", "mm (LPS)"),
    ("_zyx", "(z, y, x)"),
    ("_mm3", "mm³"),
    ("_mm", "mm"),
    ("_s", "s"),
    ("_t", "T"),
)
"""Ending of a field's name -> unit; the first that fits counts."""

_DECIMALS: Final = {"mm³": 0, "mm": 1, "mm (LPS)": 1, "s": 2}
"""Digits behind the point, as far as slices of several millimetres justify; other units get significant digits."""

_LABELS: Final = {
    "mode": "Arithmetic mode",
    "mean_posterior": "Mean node posterior",
    "cut_by_image": "Cut by the image edge",
    "conglomerate": "Several nodes in one",
    "station_probabilities": "Share in each station",
    "status_by_rule": "Status by rule",
    "status_by_model": "Status by model",
    "status_by_label": "Status by label map",
    "centroid_lps_mm": "Centre",
    "model_name": "Scanner model",
    "manufacturer": "Scanner manufacturer",
    "is_phantom": "Phantom",
    "cutoff_mm": "Judged by a cut-off of",
    "restaging_applied": "Restaging cut-offs applied",
}


_OWN_NAMES: Final = frozenset({"features"})
"""Records whose fields say by their own names what they belong to."""


@dataclass(frozen=True)
class Row:
    """A named value, ready to be shown."""

    name: str
    value: str


def plain(text: str) -> str:
    """Return text with unprintable characters (controls, changes of direction) as visible escapes, spaces as such."""
    return "".join(
        char if char.isprintable() else " " if char.isspace() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def label(name: str) -> str:
    """Return a field's name as words, without its unit."""
    if name in _LABELS:
        return _LABELS[name]
    for ending, _ in _UNITS:
        name = name.removesuffix(ending) if name.endswith(ending) else name
    words = plain(name).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def unit(name: str) -> str:
    """Return the unit that a field's name ends in, or nothing."""
    return next((text for ending, text in _UNITS if name.endswith(ending)), "")


def show(name: str, value: Any, *, exact: bool = False) -> str:
    """Return the value of a field of that name with its unit; `exact` keeps the digits of settings and geometry."""
    text = _bare(name, value, exact)
    measure = unit(name)
    return f"{text} {measure}" if measure and text != NOT_COMPUTED else text


def rows(
    record: Any, *, skip: frozenset[str] = frozenset(), always: frozenset[str] = frozenset(), exact: bool = False
) -> tuple[Row, ...]:
    """Return a row per field of a dataclass instance, those of nested ones in their place.

    A field with a default is optional: it has no row while it is None, unless named in `always`. UIDs are never
    shown, since they lead to the patient.
    """
    result: list[Row] = []
    for field in fields(record):
        value = getattr(record, field.name)
        optional = field.default is not MISSING or field.default_factory is not MISSING
        hidden = field.name in skip or field.name.endswith("_uid")
        if not hidden and (value is not None or not optional or field.name in always):
            result += field_rows(field.name, value, always=always, exact=exact)
    return tuple(result)


def field_rows(name: str, value: Any, *, always: frozenset[str] = frozenset(), exact: bool = False) -> tuple[Row, ...]:
    """Return the rows of one field: one, or one per field of a record, or one per record of a sequence of records."""
    if is_dataclass(value):
        nested = rows(value, always=always, exact=exact)
        return (
            nested
            if name in _OWN_NAMES
            else tuple(Row(f"{label(name)}: {row.name.lower()}", row.value) for row in nested)
        )
    if isinstance(value, tuple | list) and value and all(is_dataclass(item) for item in value):
        lines = [", ".join(f"{row.name.lower()} {row.value}" for row in rows(item, exact=exact)) for item in value]
        return tuple(Row(f"{label(name)} {number}", line) for number, line in enumerate(lines, start=1))
    return (Row(label(name), show(name, value, exact=exact)),)


def mapping_rows(values: Mapping[str, Any], *, exact: bool = False) -> tuple[Row, ...]:
    """Return a row per entry of a mapping, in its order."""
    return tuple(Row(label(name), show(name, value, exact=exact)) for name, value in values.items())


def millimetres(value: float) -> str:
    """Return a length without its unit, as it stands in sentences and tables."""
    return f"{value:.1f}"


def bounded(text: str, node: Node) -> str:
    """Return a size of a node, with `≥` before it where the edge of the images cuts the node."""
    return f"≥ {text}" if node.cut_by_image else text


def signed_millimetres(value: float) -> str:
    """Return a change of a length without its unit, with its sign: `+1.2`, `-0.5`, `0.0`."""
    rounded = round(value, 1)
    return f"{rounded:+.1f}" if rounded else "0.0"


def interval(ends: tuple[float, float]) -> str:
    """Return the interval among the folds in mm without its unit; a fold that saw nothing is said as such."""
    text = f"{millimetres(ends[0])}–{millimetres(ends[1])}"
    return text if ends[0] > 0 else f"{text}, not seen by every fold"


def _bare(name: str, value: Any, exact: bool) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOT_COMPUTED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _number(name, value, exact)
    if isinstance(value, Mapping):
        parts = [
            f"{plain(str(key)).replace('_', ' ')} {_bare(name, item, exact)}"
            for key, item in value.items()
            if item != 0.0
        ]
        return ", ".join(parts) or NOT_COMPUTED
    if isinstance(value, tuple | list):
        return _sequence(name, value, exact)
    return plain(str(value))


def _number(name: str, value: float, exact: bool) -> str:
    decimals = _DECIMALS.get(unit(name))
    if exact:
        return f"{value + 0.0:.5g}"
    # Adding zero turns a negative zero, which rounding leaves, into zero.
    return f"{round(value, 3) + 0.0:g}" if decimals is None else f"{round(value, decimals) + 0.0:.{decimals}f}"


def _sequence(name: str, values: tuple[Any, ...] | list[Any], exact: bool) -> str:
    parts = [_bare(name, value, exact) for value in values]
    if "interval" in name and len(parts) == 2:
        return "–".join(parts)
    if any(isinstance(value, tuple | list) for value in values):
        return "; ".join(f"({part})" for part in parts)
    return ", ".join(parts) or NOT_COMPUTED
