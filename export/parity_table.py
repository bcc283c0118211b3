"""The verdicts of the parity gate as a table for people."""

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from export.parity_gate import CaseVerdict

_COLOURS = {"passed": "green", "warned": "yellow", "refused": "bold red", "not run": "dim"}
_SHORT = {
    "external_iliac_inguinal": "EI",
    "obturator": "OB",
    "internal_iliac": "II",
    "node_negative": "neg.",
    "node_positive": "pos.",
}


def parity_table(verdicts: Iterable[CaseVerdict]) -> Table:
    """Return the figures of every candidate on every case: errors of logits, Dice per structure, nodes, verdict."""
    table = Table(title="against ONNX Runtime on the CPU in float32", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("case", overflow="fold")
    table.add_column("candidate", no_wrap=True)
    for heading in ("logits", "Dice", "nodes", "mm"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for each in verdicts:
        verdict = Text(each.outcome, _COLOURS[each.outcome])
        if each.reasons:
            verdict.append(f": {'; '.join(each.reasons)}", "default")
        table.add_row(
            Text(each.case), f"{each.candidate}\n{each.precision}", *_figures(each), verdict, end_section=True
        )
    return table


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
