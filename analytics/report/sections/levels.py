"""Accuracy by side, station and node: every rater's figures, with what follows from single nodes behind them."""

from typing import Final

from analytics.accuracy.figures import FIGURES
from analytics.accuracy.units import figures_of_units
from analytics.estimate import Estimate
from analytics.report.blocks import Block, Number, Section, Text
from analytics.report.figures.shares import ShareRow, draw_shares
from analytics.report.sections.accuracy import LABELS, figure_style
from analytics.report.sections.level_comparisons import comparisons
from analytics.report.sections.level_data import LEVELS, NOT_FOUND, LevelData, level_data
from analytics.report.sections.level_scores import scores
from analytics.report.sections.node_subgroups import node_subgroups
from analytics.report.sections.nodes_found import detection, short_axes
from analytics.report.wording import numbers_table
from analytics.study.data import StudyData

SHOWN: Final = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
"""Figures of a single station, and of readers; of the model all are told."""


def levels_section(data: StudyData) -> Section | None:
    """Return what each rater with nodes is worth by side, station and node; why not where the reference has none."""
    references = data.study.raters_of("reference")
    tested = [rater.name for rater in data.study.raters if rater.role != "reference"]
    if not references or not tested:
        return None
    title, reference = "Accuracy by side, station and node", references[0].name
    named = [name for name in tested if name in data.nodes]
    if reference not in data.nodes or not named:
        who = "the reference" if reference not in data.nodes else "no model or reader"
        words = "has no table of nodes" if reference not in data.nodes else "names single nodes"
        return Section("levels", title, (Text(f"Not computed: {who} {words} (`nodes` in the study file)."),))
    judged = {name: level_data(data, reference, name) for name in named}
    known = {name: each for name, each in judged.items() if each is not None}
    blocks: list[Block] = [
        Text(f"{name}: no patient is judged by both {name} and the reference.") for name in named if name not in known
    ]
    if not known:
        return Section("levels", title, tuple(blocks))
    models = [rater.name for rater in data.study.raters_of("model") if rater.name in known]
    numbers: list[Number] = []
    for more_blocks, more_numbers in _parts(data, known, models):
        blocks += more_blocks
        numbers += more_numbers
    return Section("levels", title, tuple(blocks), tuple(numbers))


def _parts(data: StudyData, known: dict[str, LevelData], models: list[str]) -> list[tuple[list[Block], list[Number]]]:
    """Return the parts of the section in their order."""
    parts = [_figures(known, models)]
    if models:
        readers = [known[rater.name] for rater in data.study.raters_of("reader") if rater.name in known]
        parts += [comparisons(known[models[0]], readers), scores(known[models[0]])]
    parts.append(detection(list(known.values()), models))
    if models:
        parts.append(node_subgroups(data, known[models[0]]))
    return [*parts, short_axes(list(known.values()), models)]


def _figures(known: dict[str, LevelData], models: list[str]) -> tuple[list[Block], list[Number]]:
    """Return a forest plot of all raters, and a table of figures for each."""
    blocks: list[Block] = []
    numbers: list[Number] = []
    shown: list[ShareRow] = []
    for name, each in known.items():
        found = {label: figures_of_units(units) for label, units in each.units().items()}
        shown.append((name, (None, None)))
        shown += [(_indented(label), (of["sensitivity"], of["specificity"])) for label, of in found.items()]
        made = [
            _number(name, label, figure, of[figure])
            for label, of in found.items()
            for figure in (FIGURES if name in models and label in LEVELS else SHOWN)
        ]
        numbers += made
        blocks.append(numbers_table(f"levels-{name}", f"{name} by side, station and node", made, _note(each)))
    return [_forest(shown), *blocks], numbers


def _forest(shown: list[ShareRow]) -> Block:
    return draw_shares(shown, ("Sensitivity", "Specificity"), "levels", "Accuracy by side, station and node")


def _indented(label: str) -> str:
    return label if label in LEVELS else f"   {label}"


def _number(name: str, label: str, figure: str, value: Estimate) -> Number:
    words = LABELS[figure]
    return Number(
        f"levels.{name}.{label.lower()}.{figure}",
        f"{label}, {words[0].lower() + words[1:] if words[1:2].islower() else words}",
        value,
        figure_style(figure),
    )


def _note(each: LevelData) -> str:
    note = (
        "A side or station is positive where any node in it is, and negative where none is. Intervals by resampling "
        f"patients. {each.matching} {NOT_FOUND}"
    )
    if each.left_out:
        note += f" {len(each.left_out):,} stations that were not assessed are left out."
    if each.unplaced:
        note += f" {each.unplaced:,} positive nodes without side or station count for the nodes alone."
    return note
