"""The sentences of the report, in the words of rectal MRI reports; every text about a case comes from here."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sidewall.vocabulary import STATION, CaseStatus

from core.findings import Findings, GateOutcome, Node, RefusalReason, StationAssessment
from core.labels import STATION_LABELS, Side, Station
from core.rules import RESTAGING_RULES, SizeCutoff
from core.wording import name_check, name_reason, why_no_verdict
from runtime.report.values import bounded, interval, millimetres, plain

BANNER: Final = "RESEARCH USE ONLY - NOT FOR DIAGNOSIS"
TITLE: Final = "Lateral pelvic lymph nodes on MRI"

STATUS_MEANING: Final[dict[CaseStatus, str]] = {
    "positive": "At least one lateral lymph node is rated positive.",
    "borderline": "No node is rated positive; at least one lies too close to the cut-off to tell.",
    "negative": "Enough of every station of both sides was seen, and no node is rated anything but negative.",
    "indeterminate": "No node is rated positive, but not everything could be assessed.",
    "refused": "The case was not analysed; nothing is known about it.",
    "demonstration": "Shown to demonstrate the software; not a finding.",
}

OUTCOME_WORDS: Final[dict[GateOutcome, str]] = {"pass": "passed", "warn": "warning", "refuse": "refused"}

_NUMBERS: Final = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"
)  # fmt: skip

_MAX_LISTED: Final = 6
"""Nodes named in one sentence; the table has all of them."""


def summarise(findings: Findings) -> tuple[str, ...]:
    """Return the summary of a case as sentences, the most important one first."""
    openings: dict[CaseStatus, Callable[[Findings], list[str]]] = {
        "positive": _positive,
        "borderline": _borderline,
        "negative": _negative,
        "indeterminate": _indeterminate,
        "refused": _refused,
        "demonstration": _demonstration,
    }
    sentences = openings[findings.status](findings)
    if findings.incompletely_seen and findings.status != "demonstration":
        sentences.append("Incompletely seen: a node beyond what the images show is not ruled out.")
    if findings.input is not None and findings.input.is_phantom:
        sentences.append("The images are of a phantom, not of a patient.")
    return (*sentences, *_quality(findings))


def count_of(number: int, singular: str, plural: str | None = None) -> str:
    """Return e.g. `two lymph nodes`: numbers up to twelve as words."""
    word = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
    return f"{word} {singular if number == 1 else plural or singular + 's'}"


def name_station(station: Station | None) -> str:
    """Return a station as it stands in a table."""
    return "no station" if station is None else STATION[station].words


def name_place(side: Side, station: Station | None) -> str:
    """Return e.g. `left obturator`, `obturator, side unknown` or `left, in no station`."""
    if station is None:
        return "side unknown, in no station" if side == "unknown" else f"{side}, in no station"
    return f"{name_station(station)}, side unknown" if side == "unknown" else f"{side} {name_station(station)}"


def name_category(regional: bool | None) -> str:
    """Return whether a node counts as regional (N) or as non-regional (M)."""
    return "not known" if regional is None else "N" if regional else "M"


def describe_size(node: Node) -> str:
    """Return the short axis in mm with the interval among the folds, e.g. `8.1 mm (7.6–8.5)`."""
    size = bounded(f"{millimetres(node.short_axis_mm)} mm", node)
    return size if node.short_axis_interval_mm is None else f"{size} ({interval(node.short_axis_interval_mm)})"


def describe_picture(node: Node) -> str:
    """Return the alternative text of a node's picture."""
    short, long = (bounded(millimetres(axis), node) for axis in (node.short_axis_mm, node.long_axis_mm))
    return (
        f"Node {node.id}, {name_place(node.side, node.station)}: left, its axial slice with the contour of the node; "
        f"right, a close-up with calipers on the short axis of {short} mm and the long axis of {long} mm."
    )


def describe_diagram(findings: Findings) -> str:
    """Return the alternative text of the pelvis diagram."""
    nodes = [f"node {node.id} {name_place(node.side, node.station)}, {node.status}" for node in findings.nodes]
    missing = [name_place(each.side, each.station) for each in findings.assessed if not each.assessed]
    return (
        "Axial diagram of the pelvis, the patient's right on the left of the picture, with three lateral stations on "
        f"each side. Nodes drawn: {'; '.join(nodes) or 'none'}. "
        f"Hatched as not assessed: {', '.join(missing) or ('none' if findings.assessed else 'every station')}."
    )


def split_reason(reason: RefusalReason) -> tuple[str, str]:
    """Return what was found and what is allowed; messages of the readers say both, divided by `; allowed: `."""
    found, _, allowed = plain(reason.message).partition("; allowed: ")
    return found, allowed or "as the reason says"


def size_cutoff(node: Node, findings: Findings) -> SizeCutoff | None:
    """Return what the size of a node was judged by; None when the findings carry no such rule."""
    rules = findings.rules or {}
    own = RESTAGING_RULES.get(node.station) if node.station and rules.get("restaging_applied") else None
    value = rules.get(own or "short_axis_cutoff_mm") if node.cutoff_mm is None else node.cutoff_mm
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return SizeCutoff(float(value), includes_itself=own is None)


def _positive(findings: Findings) -> list[str]:
    regional = [node for node in findings.nodes if node.status == "positive" and node.regional is not False]
    sentences = _rated_positive(regional, findings, "lateral lymph node")
    if not sentences:
        sentences = ["No suspicious regional lymph node in the obturator and internal iliac stations assessed."]
    return [*sentences, *_apart(findings), *_near_cutoff(findings), *_remaining(findings)]


def _borderline(findings: Findings) -> list[str]:
    near = _near_cutoff(findings) or ["A lateral lymph node is borderline."]
    return [*near, "No lateral lymph node is rated positive.", *_remaining(findings)]


def _negative(findings: Findings) -> list[str]:
    return ["No suspicious lateral lymph node in the assessed stations.", *_remaining(findings)]


def _indeterminate(findings: Findings) -> list[str]:
    reasons = why_no_verdict(findings.warnings)
    if reasons is not None:
        return [f"Indeterminate: no verdict is given, since {plain(reasons)}.", *_remaining(findings)]
    opening = "Indeterminate: no suspicious lateral lymph node was found, but not everything could be assessed."
    return [opening, *_remaining(findings)]


def _refused(findings: Findings) -> list[str]:
    count = count_of(len(findings.refusal), "reason") if findings.refusal else "no stated reason"
    reasons = [f"{plain(name_reason(reason.code))}: {plain(reason.message)}." for reason in findings.refusal]
    return [f"Not analysed: the case was refused for {count}.", *map(_capital, reasons)]


def _demonstration(findings: Findings) -> list[str]:
    marked = count_of(len(findings.nodes), "structure")
    return [
        "Demonstration only: the model has only seen synthetic patients, and nothing below is a finding.",
        f"It marked {marked} as lateral {'node' if len(findings.nodes) == 1 else 'nodes'}, shown to demonstrate the "
        "software."
        if findings.nodes
        else "It marked no structure as a lateral node, which does not mean that there is none.",
    ]


def _rated_positive(nodes: Sequence[Node], findings: Findings, noun: str) -> list[str]:
    """Return per cut-off a sentence on nodes that are positive by size, and one on those that are so otherwise."""
    sentences = []
    for cutoff, group in _by_cutoff(nodes, findings):
        if cutoff is None:
            sentences.append(_listed(group, noun, "rated positive"))
            continue
        edge = f"{cutoff.short_axis_mm:g} mm"
        inclusive = cutoff.includes_itself
        over, under = (f"{edge} or more", f"below {edge}") if inclusive else (f"more than {edge}", f"of {edge} or less")
        large = [node for node in group if cutoff.is_large(node.short_axis_mm)]
        small = [node for node in group if not cutoff.is_large(node.short_axis_mm)]
        sentences += [_listed(large, noun, f"with a short axis of {over}")] if large else []
        judge = "the model" if findings.model is not None else "the label map"
        sentences += [_listed(small, noun, f"{under} rated positive by features or by {judge}")] if small else []
    return sentences


def _by_cutoff(nodes: Sequence[Node], findings: Findings) -> list[tuple[SizeCutoff | None, list[Node]]]:
    """Return the nodes by what they were judged by, the largest cut-off first; primary staging knows one only."""
    groups: dict[SizeCutoff | None, list[Node]] = {}
    for node in nodes:
        groups.setdefault(size_cutoff(node, findings), []).append(node)
    return sorted(groups.items(), key=lambda each: -each[0].short_axis_mm if each[0] else 0.0)


def _apart(findings: Findings) -> list[str]:
    """Return the sentences on positive external iliac nodes, which count as M and are never folded into N."""
    apart = [node for node in findings.nodes if node.status == "positive" and node.regional is False]
    sentences = _rated_positive(apart, findings, "external iliac lymph node")
    return [f"Listed apart as non-regional (M): {text[0].lower()}{text[1:]}" for text in sentences]


def _near_cutoff(findings: Findings) -> list[str]:
    near = [node for node in findings.nodes if node.status == "borderline"]
    if not near:
        return []
    band = (findings.rules or {}).get("borderline_band_mm")
    sentences = []
    for cutoff, group in _by_cutoff(near, findings):
        detail = "borderline"
        if cutoff is not None and isinstance(band, int | float):
            detail += f" (short axis within {band:g} mm of the {cutoff.short_axis_mm:g} mm cut-off)"
        sentences.append(_listed(group, "lateral lymph node", detail))
    if any(node.regional is False for node in near):
        sentences.append("External iliac nodes count as non-regional (M).")
    return sentences


def _remaining(findings: Findings) -> list[str]:
    """Return what belongs to every analysed case: nodes rated negative, nodes in doubt, stations not assessed."""
    return [*_rated_negative(findings), *_in_doubt(findings.nodes), *_not_assessed(findings.assessed)]


def _rated_negative(findings: Findings) -> list[str]:
    negative = [node for node in findings.nodes if node.status == "negative"]
    if not findings.nodes:
        return ["No lateral lymph node was found."]
    if not negative:
        return []
    sizes = sorted(node.short_axis_mm for node in negative)
    ends = [millimetres(size) for size in (sizes[0], sizes[-1])]
    span = f"{ends[0]} mm" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]} mm"
    others = "further lateral lymph node" if len(negative) < len(findings.nodes) else "lateral lymph node"
    verb = "is" if len(negative) == 1 else "are"
    return [f"{_capital(count_of(len(negative), others))} with a short axis of {span} {verb} rated negative."]


def _in_doubt(nodes: Iterable[Node]) -> list[str]:
    """Return what is said of nodes without a verdict: those in no station, and those that the image leaves in doubt."""
    doubtful = [node for node in nodes if node.status == "indeterminate"]
    outside = [node for node in doubtful if node.station is None]
    inside = [node for node in doubtful if node.station is not None]
    verb, what = ("lies", "a lateral lymph node") if len(outside) == 1 else ("lie", "lateral lymph nodes")
    sentences = [_listed(outside, "node", f"{verb} in no station and may not be {what}")] if outside else []
    return sentences + ([_listed(inside, "lateral lymph node", "without a verdict")] if inside else [])


def _not_assessed(assessed: Sequence[StationAssessment]) -> list[str]:
    """Return what was not assessed and why, one part per reason."""
    if not assessed:
        return ["No station was assessed."]
    by_reason: dict[str, list[str]] = {}
    for each in assessed:
        if not each.assessed:
            by_reason.setdefault(plain(each.reason or "no reason stated"), []).append(
                name_place(each.side, each.station)
            )
    if not by_reason:
        return []
    everything = 2 * len(STATION_LABELS)
    parts = [
        f"{'every station of both sides' if len(places) == everything else _joined(places)} ({reason})"
        for reason, places in by_reason.items()
    ]
    return [f"Not assessed: {'; '.join(parts)}."]


def _quality(findings: Findings) -> tuple[str, ...]:
    names = [plain(name_check(gate.code)).lower() for gate in findings.gates if gate.outcome == "warn"]
    if not names:
        return ()
    verb = "warns" if len(names) == 1 else "warn"
    return (f"{_capital(count_of(len(names), 'quality check'))} {verb}: {_joined(names)}.",)


def _listed(nodes: Sequence[Node], noun: str, what: str) -> str:
    """Return a sentence that names the nodes with place and size, largest first."""
    ordered = sorted(nodes, key=lambda node: (-node.short_axis_mm, node.id))
    places = [_place_and_size(node) for node in ordered[:_MAX_LISTED]]
    if len(ordered) > _MAX_LISTED:
        places.append(f"and {count_of(len(ordered) - _MAX_LISTED, 'more', 'more')} in the table")
    separator = "; " if any("," in place for place in places) else ", "
    return f"{_capital(count_of(len(nodes), noun))} {what}: {separator.join(places)}."


def _place_and_size(node: Node) -> str:
    comma = "," if node.side == "unknown" or node.station is None else ""
    return f"{name_place(node.side, node.station)}{comma} {describe_size(node)}"


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
