"""What the demonstration sends: a synthetic patient with positive and negative nodes, and a real series."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from phantom.case import PhantomOptions, TrueNode
from phantom.dicom_series import write_series
from phantom.generate import generate_case
from phantom.plan import make_plan

REAL_SERIES = Path("tests/data/PX0000_t2_tra")
_FIRST_SEED = 5000
"""Far from the seeds that the demo bundle was trained (1000 on) and measured (0-99) with."""

_TRIED_SEEDS = 200
PHANTOM_OPTIONS = PhantomOptions(node_count=4, patient_positive=True, truncated=False)
_SMALLEST_MM = 4.0
"""Smaller nodes are missed by readers, too: they would show the limits of the demo model, not how the box works."""


@dataclass(frozen=True)
class DemoCase:
    """One series to submit."""

    name: str
    """Name of the case and of its folder."""

    title: str
    series: Path
    truth: tuple[TrueNode, ...] | None
    """Nodes known by construction; None for a real patient."""

    allowed_status: frozenset[str]
    """Case statuses that a sound server gives; which of them depends on the model."""


def make_cases(folder: Path) -> tuple[DemoCase, ...]:
    """Return the two cases; the phantom's series is written below `folder`."""
    seed = choose_seed()
    case = generate_case(seed, options=PHANTOM_OPTIONS)
    series = folder / "phantom"
    write_series(case, series)
    phantom = DemoCase(
        name="phantom",
        title=f"Synthetic patient (seed {seed}), {case.image.shape[0]} slices",
        series=series,
        truth=case.nodes,
        allowed_status=frozenset({"positive", "negative", "borderline", "indeterminate"}),
    )
    real = DemoCase(
        name="PX0000_t2_tra",
        title="Real series PX0000_t2_tra (ProstateX, CC BY 3.0): the demo model is out of its depth here",
        series=REAL_SERIES,
        truth=None,
        allowed_status=frozenset({"demonstration"}),
    )
    return phantom, real


def choose_seed() -> int:
    """Return the first seed whose plan has positive and negative nodes, on both sides, none of them tiny."""
    for seed in range(_FIRST_SEED, _FIRST_SEED + _TRIED_SEEDS):
        if _is_instructive(make_plan(seed, PHANTOM_OPTIONS).nodes):
            return seed
    raise ValueError(
        f"none of {_TRIED_SEEDS} seeds from {_FIRST_SEED} on has positive and negative nodes on both sides"
    )


def _is_instructive(nodes: Iterable[TrueNode]) -> bool:
    nodes = tuple(nodes)
    both_statuses = {node.status for node in nodes} == {"positive", "negative"}
    both_sides = {node.side for node in nodes} == {"left", "right"}
    return both_statuses and both_sides and min(node.short_axis_mm for node in nodes) >= _SMALLEST_MM
