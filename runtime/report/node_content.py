"""What a report says of the nodes: one row each in the table, and a section each with all that was measured."""

from collections.abc import Mapping
from typing import Final

from core.counting import counted
from core.findings import Comparison, Findings, Interval, Node, NodeFeatures, PriorNode
from runtime.report import words
from runtime.report.parts import NodeSection, Table
from runtime.report.values import (
    ABSENT,
    NOT_COMPUTED,
    Row,
    bounded,
    interval,
    label,
    millimetres,
    plain,
    rows,
    show,
    signed_millimetres,
)

_SAID: Final = frozenset({
    "id", "side", "station", "axis_endpoints_lps_mm", "status", "status_by_rule", "status_by_model", "status_by_label",
    "short_axis_mm", "short_axis_interval_mm", "long_axis_mm", "long_axis_interval_mm", "volume_mm3",
    "volume_interval_mm3", "probability", "probability_interval", "cutoff_mm", "regional", "features", "prior",
    "long_axis_3d_mm", "short_axis_3d_mm",
})  # fmt: skip
"""Fields of a node that its heading, its picture, or rows of their own say."""

_CHANGE: Final = "Change, mm"
_DIFFERENCE: Final = "Two methods, mm"
"""Heading of the same column where the earlier findings were made otherwise."""

_FEATURES: Final = (
    ("irregular_border", "border_irregularity"),
    ("heterogeneous_signal", "signal_heterogeneity"),
)
"""Malignant features, each with the number that it was judged by."""


def node_table(findings: Findings) -> Table:
    """Return a row per node; the change against an earlier study has a column when there is one."""
    columns = _columns(findings)
    return Table(
        "Lateral lymph nodes from head to feet; N regional, M non-regional; sizes in the plane of the slices",
        columns,
        tuple(tuple(_cells(node, findings)[name] for name in columns) for node in findings.nodes),
        marked_column=columns.index("Status"),
        marks=tuple(node.status for node in findings.nodes),
    )


def _columns(findings: Findings) -> tuple[str, ...]:
    opinions = "By rule / by model" if findings.model is not None else "By rule / by label map"
    change = () if findings.comparison is None else (_change_heading(findings.comparison),)
    sizes = ("Short axis, mm (folds)", "Long axis, mm", "Volume, mm³")
    return ("Node", "Place", *sizes, *change, "Status", opinions, "Probability", "Features")


def _change_heading(comparison: Comparison) -> str:
    return _DIFFERENCE if comparison.between_methods else _CHANGE


def _cells(node: Node, findings: Findings) -> dict[str, str]:
    """Return the cells of a node by the names of the columns."""
    by_model = findings.model is not None
    opinion = node.status_by_model if by_model else node.status_by_label
    folds = "" if node.short_axis_interval_mm is None else f" ({interval(node.short_axis_interval_mm)})"
    category = "" if node.regional is None else f" ({words.name_category(node.regional)})"
    change = "new" if node.prior is None else signed_millimetres(node.prior.change_mm) + _unmeasurable(node.prior)
    return {
        "Node": str(node.id),
        "Place": words.name_place(node.side, node.station) + category,
        "Short axis, mm (folds)": bounded(millimetres(node.short_axis_mm), node) + folds,
        "Long axis, mm": bounded(millimetres(node.long_axis_mm), node),
        "Volume, mm³": bounded(f"{node.volume_mm3:.0f}", node),
        **dict.fromkeys((_CHANGE, _DIFFERENCE), change),
        "Status": node.status,
        _columns(findings)[-3]: f"{node.status_by_rule or ABSENT} / {opinion or ABSENT}",
        "Probability": ABSENT if node.probability is None else f"{node.probability:.2f}",
        "Features": _feature_words(node.features),
    }


def _feature_words(features: NodeFeatures) -> str:
    """Return the malignant features that are there; what was not measured is said as such."""
    judged = {label(name).lower(): getattr(features, name) for name, _ in _FEATURES}
    if all(value is None for value in judged.values()):
        return NOT_COMPUTED
    unknown = [f"{name}: {NOT_COMPUTED}" for name, value in judged.items() if value is None]
    return ", ".join([name for name, value in judged.items() if value] + unknown) or "none"


def node_section(node: Node, findings: Findings, pictures: Mapping[str, bytes]) -> NodeSection:
    """Return the section of a node; `pictures` are PNG files by their file names without ending."""
    hidden = _SAID if findings.model is not None else _SAID | {"mean_posterior"}
    return NodeSection(
        node_id=node.id,
        heading=f"Node {node.id}: {words.name_place(node.side, node.station)}",
        status=node.status,
        picture=pictures.get(f"node_{node.id:02d}"),
        picture_text=words.describe_picture(node),
        rows=(
            *_opinions(node, findings),
            *_sizes(node),
            *_cut(node),
            *_features(node.features),
            *_prior(node, findings.comparison),
            *_in_space(node),
            *rows(node, skip=hidden),
        ),
    )


def _opinions(node: Node, findings: Findings) -> tuple[Row, ...]:
    """Return what rule and model, or label map, make of a node."""
    by_rule = show("status_by_rule", node.status_by_rule)
    if findings.model is None:
        found = [Row("By rule / by label map", f"{by_rule} / {node.status_by_label or 'not told'}")]
    else:
        folds = "" if node.probability_interval is None else f" (folds {_span(node.probability_interval)})"
        found = [
            Row("By rule / by model", f"{by_rule} / {show('status_by_model', node.status_by_model)}"),
            Row("Probability", show("probability", node.probability) + folds),
        ]
    category = {True: "regional (N)", False: "non-regional (M)", None: "not known"}[node.regional]
    return (*found, Row("Counts as", category))


def _sizes(node: Node) -> tuple[Row, ...]:
    """Return the sizes in the plane of the slices, with what the folds make of them."""
    sizes = (
        ("short_axis_mm", node.short_axis_mm, node.short_axis_interval_mm),
        ("long_axis_mm", node.long_axis_mm, node.long_axis_interval_mm),
        ("volume_mm3", node.volume_mm3, node.volume_interval_mm3),
    )
    found = [
        Row(label(name), bounded(show(name, value), node) + ("" if ends is None else f" (folds {_ends(name, ends)})"))
        for name, value, ends in sizes
    ]
    if node.cutoff_mm is not None:
        found.append(Row(label("cutoff_mm"), show("cutoff_mm", node.cutoff_mm)))
    return tuple(found)


def _cut(node: Node) -> tuple[Row, ...]:
    """Return why the sizes of a node are lower bounds; nothing where they are not."""
    return (Row("Sizes", "at least these: the edge of the images cuts the node"),) if node.cut_by_image else ()


def _in_space(node: Node) -> tuple[Row, ...]:
    """Return the axes that do not depend on the plane of the slices."""
    axes = node.long_axis_3d_mm, node.short_axis_3d_mm
    if axes == (None, None):
        return ()
    return (Row("Long, short axis in space", ", ".join(bounded(show("axis_mm", axis), node) for axis in axes)),)


def _ends(name: str, ends: Interval) -> str:
    return interval(ends) if name != "volume_mm3" else f"{ends[0]:.0f}–{ends[1]:.0f}"


def _span(ends: Interval) -> str:
    return f"{ends[0]:.2f}–{ends[1]:.2f}"


def _features(features: NodeFeatures) -> tuple[Row, ...]:
    """Return both malignant features, each with the number that it was judged by."""
    found = []
    for name, measure in _FEATURES:
        value = getattr(features, measure)
        number = "" if value is None else f" ({value:.3f})"
        found.append(Row(label(name), show(name, getattr(features, name)) + number))
    return tuple(found)


def _prior(node: Node, comparison: Comparison | None) -> tuple[Row, ...]:
    """Return how a node was in the earlier study; nothing without one."""
    prior = node.prior
    if comparison is None and prior is None:
        return ()
    if prior is None:
        return (Row("Earlier study", "not found there: new, or missed then"),)
    doubt = "" if prior.certain else "; another node lies nearly as close"
    change = f"{signed_millimetres(prior.change_mm)} mm{_unmeasurable(prior)}"
    if prior.change_interval_mm is not None:
        low, high = (signed_millimetres(end) for end in prior.change_interval_mm)
        change += f" (folds {low} to {high})"
    told = () if comparison and comparison.between_methods else (*_percent_row(prior), *_volume_row(node, prior))
    return (
        Row("Earlier study", f"node {prior.id}, short axis {millimetres(prior.short_axis_mm)} mm{doubt}"),
        Row("Between two methods" if comparison and comparison.between_methods else "Change since then", change),
        *told,
        Row("Distance from there", show("distance_mm", prior.distance_mm)),
    )


def _percent_row(prior: PriorNode) -> tuple[Row, ...]:
    if prior.change_percent is None:
        return ()
    return (Row("Change in percent", _spread_of(prior.change_percent, prior.percent_interval, "%")),)


def _volume_row(node: Node, prior: PriorNode) -> tuple[Row, ...]:
    if prior.volume_mm3 is None:
        return ()
    change = _spread_of(node.volume_mm3 - prior.volume_mm3, prior.volume_change_interval_mm3, "mm³")
    return (Row("Change of the volume", change),)


def _spread_of(value: float, interval: Interval | None, unit: str) -> str:
    folds = "" if interval is None else f" (folds {interval[0]:+.0f} to {interval[1]:+.0f})"
    return f"{value:+.0f} {unit}{folds}"


def _unmeasurable(prior: PriorNode) -> str:
    """Return what is said behind a change that lies within what an unchanged node differs by."""
    return " (no measurable change)" if prior.measurable is False else ""


def comparison_rows(comparison: Comparison) -> tuple[Row, ...]:
    """Return how this study was laid on an earlier one, and what was not found again."""
    count = comparison.landmark_count
    landmarks = f"{words.count_of(count, 'station')} that both saw" if count else "their common frame of reference"
    gone = [
        f"node {node.id}, {words.name_place(node.side, node.station)}, short axis {millimetres(node.short_axis_mm)} mm"
        + ("" if node.centroid_lps_mm is None else f", here at {show('centroid_lps_mm', node.centroid_lps_mm)}")
        for node in comparison.vanished
    ]
    return (
        Row("Earlier study", plain(comparison.prior_case_id)),
        *_time_between(comparison),
        Row("Its time point", comparison.prior_time_point),
        *([Row("Its images", "given, and analysed anew as these")] if comparison.analysed_anew else []),
        *_method_row(comparison),
        *_limit_row(comparison),
        Row("Laid on this one by", landmarks),
        Row("Shift", show("shift_lps_mm", comparison.shift_lps_mm)),
        *_turn_row(comparison),
        Row("Not found again", "; ".join(gone) or "none"),
    )


def _time_between(comparison: Comparison) -> tuple[Row, ...]:
    days = comparison.interval_days
    return () if days is None else (Row("Time between", counted(days, "day")),)


def _limit_row(comparison: Comparison) -> tuple[Row, ...]:
    """Return from which size on a change is one; nothing between two methods."""
    limit_mm = comparison.limit_of_agreement_mm
    if limit_mm is None:
        return ()
    said = f"short axes of unchanged nodes differ by up to {millimetres(limit_mm)} mm (95 of 100, on phantoms)"
    return (Row("No measurable change within", said),)


def _turn_row(comparison: Comparison) -> tuple[Row, ...]:
    """Return how far the patient lay rolled against the earlier study; nothing where that was not told."""
    return (Row("Turn", f"{comparison.turn_deg:+.1f}°"),) if comparison.turn_deg else ()


def _method_row(comparison: Comparison) -> tuple[Row, ...]:
    """Return in what the earlier findings were made otherwise; nothing where they were not."""
    differing = ", ".join(plain(each) for each in comparison.between_methods)
    said = f"{differing}: differences are between two methods, no growth and no shrinkage"
    return (Row("Made otherwise", said),) if differing else ()
