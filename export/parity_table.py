"""The verdicts of the parity gate as a table for people."""

from collections.abc import Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from sidewall.vocabulary import STATIONS

from export.parity_gate import CaseVerdict

_TITLE: Final = "against ONNX Runtime on the CPU in float32"
_COLOURS = {"passed": "green", "warned": "yellow", "refused": "bold red", "not run": "dim"}
_SHORT = {
    **{each.label_name: each.abbreviation for each in STATIONS},
    "node_negative": "neg.",
    "node_positive": "pos.",
}


def parity_table(verdicts: Sequence[CaseVerdict]) -> RenderableType:
    """Return the figures of every candidate on every case, and under them what lies beyond a tolerance."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), title=_TITLE, title_justify="left")
    table.add_column("case", overflow="fold")
    table.add_column("candidate", no_wrap=True)
    for heading in ("logits", "Dice", "nodes", "mm"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for each in verdicts:
        candidate = each.candidate.replace(" ", "\n", 1)
        verdict = Text(each.outcome, _COLOURS[each.outcome])
        table.add_row(Text(each.case), f"{candidate}\n{each.precision}", *_figures(each), verdict, end_section=True)
    reasons = [
        Text(f"{each.outcome}: {each.candidate} on {each.case}: {'; '.join(each.reasons)}", _COLOURS[each.outcome])
        for each in verdicts
        if each.reasons
    ]
    return Group(table, *reasons)


def _figures(verdict: CaseVerdict) -> list[str]:
    """Return the figures of one row, under each other where there are several, so that 80 columns are enough."""
    if verdict.logits is None or verdict.labels is None or verdict.findings is None:
        return [""] * 4
    axis_mm = verdict.findings.largest_axis_difference_mm
    return [
        f"max {verdict.logits.maximum:.1e}\nmean {verdict.logits.mean:.1e}",
        "\n".join(f"{_SHORT[name]} {dice:.4f}" for name, dice in verdict.labels.dice.items()),
        f"{verdict.nodes}",
        "-" if axis_mm is None else f"{axis_mm:.2f}",
    ]
