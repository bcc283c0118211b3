"""Whether something is findings: by the schema, and by what its numbers must be to each other.

Findings come back as an earlier study, from another program, after years. What is believed of them decides what is said
of growth, so nothing unfit goes any further, and the field is named.
"""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import Any, Final

from sidewall.json_schema import Fault, faults, shown
from sidewall.vocabulary import STATIONS

MAX_BYTES: Final = 4 << 20
"""Of a findings file; one of ten nodes has 20 KiB."""

MAX_DEPTH: Final = 32
"""Brackets within brackets; the schema needs 8, and later versions may need more."""

_ROUNDING: Final = 2e-6
"""Numbers are written with six decimals."""

_MEASURING: Final = 0.01
"""Share by which a short axis may exceed a long one: both are measured on outlines, each by a way of its own, and
differ by less than that where a node is round."""

_ORTHONORMAL: Final = 1e-3
"""How far the directions of axes may be from unit vectors at right angles; DICOM's are written with six digits."""

_REGIONAL: Final = frozenset(each.name for each in STATIONS if each.is_regional)

_OF_A_MODEL: Final = ("status_by_model", "probability", "mean_posterior")
"""Of a node; null where no model was at work."""


class FindingsInvalid(ValueError):
    """Something that is no findings; says which field, what it is and what is allowed."""


def parse_findings(text: str | bytes) -> dict[str, Any]:
    """Return the JSON mapping of a findings file of any 1.x, checked as `check_findings` does.

    Raises `FindingsInvalid`, also on text that is longer than `MAX_BYTES`, nested deeper than `MAX_DEPTH`, not JSON, or
    that names one key twice.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > MAX_BYTES:
        raise FindingsInvalid(f"findings have {len(data)} bytes; allowed: {MAX_BYTES}")
    _check_nesting(data)
    try:
        found = json.loads(data.decode(), object_pairs_hook=_once_each)
    except FindingsInvalid:
        raise
    except (ValueError, RecursionError) as error:
        raise FindingsInvalid(f"findings are not JSON: {_place(error)}") from None
    check_findings(found)
    mapping: dict[str, Any] = found
    return mapping


def check_findings(mapping: Any) -> None:
    """Raise `FindingsInvalid` for the first field of a JSON mapping that does not fit; unknown keys are passed over.

    Held against `findings.schema.json` and, since a schema cannot say so, against these: lengths of a node in order,
    intervals lower bound first, numbers of nodes and pairs of side and station that come once, changes and days between
    studies that are the difference of what is compared, regional where the station is, a model's opinion where a model
    was at work, directions that are unit vectors at right angles, times that are times.
    """
    if not _is_shallow(mapping, MAX_DEPTH):
        raise FindingsInvalid(f"findings are nested deeper than {MAX_DEPTH}; allowed: {MAX_DEPTH}")
    every = chain(_not_finite(mapping, "findings"), faults(_schema(), mapping, "findings"), _among_numbers(mapping))
    for fault in every:
        raise FindingsInvalid(str(fault))


@cache
def _schema() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = json.loads(
        files("sidewall").joinpath("findings.schema.json").read_text(encoding="utf-8")
    )
    return loaded


def _check_nesting(data: bytes) -> None:
    """Refuse text that would exhaust the parser's stack; brackets within texts are not counted."""
    depth, in_text, escaped = 0, False, False
    for byte in data:
        if in_text:
            in_text = escaped or byte != 0x22
            escaped = byte == 0x5C and not escaped
        elif byte == 0x22:
            in_text = True
        elif byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise FindingsInvalid(f"findings are nested deeper than {MAX_DEPTH}; allowed: {MAX_DEPTH}")
        elif byte in b"]}":
            depth -= 1


def _is_shallow(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return levels >= 0 and all(_is_shallow(each, levels - 1) for each in inner)


def _not_finite(value: Any, path: str) -> Iterator[Fault]:
    """Yield the numbers that JSON does not know, those of keys that nobody knows as well."""
    if isinstance(value, float) and not math.isfinite(value):
        yield Fault(path, shown(value), "a finite number")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _not_finite(inner, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _not_finite(inner, f"{path}[{index}]")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for index, (name, _) in enumerate(pairs) if name in dict(pairs[:index]))
        raise FindingsInvalid(f"findings name the key {shown(twice)} twice in one object; allowed: once")
    return found


def _place(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, line {error.lineno}"
    return "its text is not UTF-8" if isinstance(error, UnicodeDecodeError) else "a number or a nesting is too large"


def _among_numbers(findings: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _of_input(findings.get("input") or {})
    yield from _time("findings.analysed_at", findings.get("analysed_at"))
    yield from _date("findings.case.study_date", findings["case"].get("study_date"))
    yield from _once("findings.nodes", [node["id"] for node in findings["nodes"]], "numbers that come once")
    stations = [(each["side"], each["station"]) for each in findings["assessed"]]
    yield from _once("findings.assessed", stations, "every station of a side once")
    comparison = findings.get("comparison") or {}
    yield from _date("findings.comparison.prior_study_date", comparison.get("prior_study_date"))
    vanished = [node["id"] for node in comparison.get("vanished", [])]
    paired = [node["prior"]["id"] for node in findings["nodes"] if node.get("prior")]
    yield from _once("findings.comparison", [*vanished, *paired], "every node of the earlier study once")
    yield from _days_between(findings["case"].get("study_date"), comparison)
    for index, node in enumerate(findings["nodes"]):
        path = f"findings.nodes[{index}]"
        yield from _of_node(node, path)
        for name in _OF_A_MODEL if findings["model"] is None else ():
            if node[name] is not None:
                yield Fault(f"{path}.{name}", shown(node[name]), "null where no model was at work")
        if node.get("prior") and not comparison:
            yield Fault(f"{path}.prior", "an object", "null where no earlier study is compared with")


def _days_between(study_date: str | None, comparison: Mapping[str, Any]) -> Iterator[Fault]:
    then, days = comparison.get("prior_study_date"), comparison.get("interval_days")
    if study_date is None or then is None or days is None:
        return
    between = (date.fromisoformat(study_date) - date.fromisoformat(then)).days
    if days != between:
        yield Fault(
            "findings.comparison.interval_days", str(days), f"days between the dates of both studies ({between})"
        )


def _of_node(node: Mapping[str, Any], path: str) -> Iterator[Fault]:
    for short, long in (("short_axis_mm", "long_axis_mm"), ("short_axis_3d_mm", "long_axis_3d_mm")):
        if node.get(short) is not None and node.get(long) is not None and node[short] > node[long] * (1 + _MEASURING):
            yield Fault(f"{path}.{short}", str(node[short]), f"{long} ({node[long]}), or hardly more")
    for name in ("short_axis_interval_mm", "long_axis_interval_mm", "volume_interval_mm3", "probability_interval"):
        yield from _in_order(f"{path}.{name}", node.get(name))
    station = node["station"]
    regional = None if station is None else station in _REGIONAL
    if node["regional"] not in (None, regional):
        yield Fault(f"{path}.regional", shown(node["regional"]), f"what the station tells ({shown(regional)})")
    shares = sum((node["station_probabilities"] or {}).values())
    if shares > 1 + 1e-3:
        yield Fault(f"{path}.station_probabilities", f"{shares:g} together", "shares of one node, at most 1 together")
    prior = node.get("prior")
    if prior:
        for name in ("change_interval_mm", "percent_interval", "volume_change_interval_mm3"):
            yield from _in_order(f"{path}.prior.{name}", prior.get(name))
        difference = node["short_axis_mm"] - prior["short_axis_mm"]
        if abs(prior["change_mm"] - difference) > 2 * _ROUNDING:
            yield Fault(
                f"{path}.prior.change_mm", str(prior["change_mm"]), f"short axis now less then ({difference:g})"
            )


def _of_input(source: Mapping[str, Any]) -> Iterator[Fault]:
    rows = source.get("direction")
    if rows is None:
        return
    columns = list(zip(*rows, strict=True))
    for first in range(3):
        for second in range(first, 3):
            product = math.fsum(a * b for a, b in zip(columns[first], columns[second], strict=True))
            if abs(product - (first == second)) > _ORTHONORMAL:
                yield Fault("findings.input.direction", "no rotation", "unit vectors at right angles, as columns")
                return


def _in_order(path: str, interval: list[float] | None) -> Iterator[Fault]:
    if interval is not None and interval[0] > interval[1]:
        yield Fault(path, str(interval), "the lower bound first")


def _once(path: str, words: list[Any], allowed: str) -> Iterator[Fault]:
    if len(set(words)) != len(words):
        twice = next(word for index, word in enumerate(words) if word in words[:index])
        yield Fault(path, f"with {twice} twice", allowed)


def _time(path: str, text: str | None) -> Iterator[Fault]:
    try:
        if text is not None:
            datetime.fromisoformat(text)
    except ValueError:
        yield Fault(path, shown(text), "a time that is one, ISO 8601 with its zone")


def _date(path: str, text: str | None) -> Iterator[Fault]:
    try:
        if text is not None:
            date.fromisoformat(text)
    except ValueError:
        yield Fault(path, shown(text), "a date that is one, ISO 8601")
