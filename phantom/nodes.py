"""Lateral nodes: how many, how large, of what kind, and their axes measured on the analytic shape."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phantom.anatomy import draw_lobes
from phantom.grid import ImageGrid
from phantom.shapes import Array, Blob, Points
from phantom.truth import NodeStatus, PhantomOptions, TrueNode

POSITIVE_SHORT_AXIS_MM = 7.0
"""Short axis from which a node is positive (Qiao et al. 2025)."""

MAX_NODES = 8
"""Most lateral nodes of one patient."""

Mask = npt.NDArray[np.bool_]

_NEGATIVE_COUNTS = (0.12, 0.25, 0.27, 0.2, 0.1, 0.06)
"""Chances of 0, 1, ... nodes in a negative patient."""

_POSITIVE_COUNTS = (0.08, 0.16, 0.2, 0.2, 0.14, 0.1, 0.07, 0.05)
"""Chances of 1, 2, ... nodes in a positive patient."""

_TOLERANCE_MM = 0.15
"""How near the measured short axis must come to the drawn one."""

_ATTEMPTS = 16


@dataclass(frozen=True)
class NodeDraw:
    """What a node shall be, before it has a place."""

    short_axis_mm: float
    """Wanted short axis."""

    irregular_border: bool
    """Lobulated margin."""

    heterogeneous_signal: bool
    """Dark and bright foci."""

    signal: float
    """Mean signal relative to fat."""


@dataclass(frozen=True, eq=False)
class PlannedNode:
    """A node with its place: the truth and what is needed to paint it."""

    truth: TrueNode
    """What is known about it."""

    blob: Blob
    """Analytic shape in the body frame."""

    signal: float
    """Mean signal relative to fat."""

    foci: Points
    """(m, 4) wave vectors per mm and phases of its inner pattern."""


def node_status(short_axis_mm: float, irregular_border: bool, heterogeneous_signal: bool) -> NodeStatus:
    """Return the status by the study's rule (Qiao et al. 2025)."""
    malignant = irregular_border and heterogeneous_signal
    return "positive" if short_axis_mm >= POSITIVE_SHORT_AXIS_MM or malignant else "negative"


def draw_nodes(options: PhantomOptions, rng: np.random.Generator) -> list[NodeDraw]:
    """Draw the nodes of a patient; raises `ValueError` on options that no patient can meet."""
    positive = rng.random() < 0.5 if options.patient_positive is None else options.patient_positive
    if options.node_count is not None and not 0 <= options.node_count <= MAX_NODES:
        raise ValueError(f"node_count must be 0 to {MAX_NODES}, got {options.node_count}")
    if options.node_count == 0 and options.patient_positive:
        raise ValueError("a positive patient needs at least one node, got node_count 0")
    counts = _POSITIVE_COUNTS if positive else _NEGATIVE_COUNTS
    count = int(rng.choice(len(counts), p=counts)) + (1 if positive else 0)
    count = count if options.node_count is None else options.node_count
    kinds = ["benign"] * count
    if positive:
        kinds = [str(kind) for kind in rng.choice(("large", "malignant", "benign"), size=count, p=(0.74, 0.1, 0.16))]
    if positive and count and "large" not in kinds and "malignant" not in kinds:
        kinds[0] = "large"
    return [_draw_node(kind, rng) for kind in kinds]


def _draw_node(kind: str, rng: np.random.Generator) -> NodeDraw:
    if kind == "large":
        short = POSITIVE_SHORT_AXIS_MM + 0.3 + 7.4 * rng.beta(1.1, 2.2)
        return NodeDraw(short, rng.random() < 0.55, rng.random() < 0.55, rng.uniform(0.28, 0.52))
    if kind == "malignant":
        return NodeDraw(rng.uniform(4.2, 6.7), True, True, rng.uniform(0.28, 0.5))
    irregular, heterogeneous = [(False, False), (True, False), (False, True)][int(rng.choice(3, p=(0.64, 0.18, 0.18)))]
    return NodeDraw(3.2 + 3.5 * rng.beta(1.4, 1.4), irregular, heterogeneous, rng.uniform(0.3, 0.55))


def draw_blob(draw: NodeDraw, rng: np.random.Generator) -> Blob:
    """Return the shape of a node around the origin, about as large as wanted."""
    half = draw.short_axis_mm / 2
    semi_axes = half * np.array([1.0, rng.uniform(1.08, 1.7), rng.uniform(0.9, 1.6)])
    turn, lean = rng.uniform(0, np.pi), rng.normal(0, 0.3)
    c, s = np.cos(turn), np.sin(turn)
    cl, sl = np.cos(lean), np.sin(lean)
    axes = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, cl, -sl], [0, sl, cl]])
    if draw.irregular_border:
        return Blob(np.zeros(3), axes, semi_axes, draw_lobes(rng, 3, wave=4.8), rng.uniform(0.2, 0.27))
    return Blob(np.zeros(3), axes, semi_axes, draw_lobes(rng, 3, wave=3.0), rng.uniform(0.0, 0.03))


def draw_foci(short_axis_mm: float, rng: np.random.Generator) -> Points:
    """Return the waves of a node's inner pattern, about two periods across its short axis."""
    length = max(0.55 * short_axis_mm, 2.8)
    waves = draw_lobes(rng, 4, wave=2 * np.pi / length)
    waves[:, 2] *= 0.4
    return waves


def node_signal(node: PlannedNode, x: Array, y: Array, z: Array) -> Array:
    """Return the signal of a node at body points: even, or with dark and bright foci."""
    pattern = np.zeros(np.broadcast_shapes(x.shape, y.shape, z.shape), dtype=np.float32)
    for kx, ky, kz, phase in node.foci.astype(np.float32):
        pattern += np.cos(kx * x + ky * y + kz * z + phase)
    depth = np.float32(0.62 if node.truth.heterogeneous_signal else 0.04)
    return np.asarray(np.float32(node.signal) * (1 + depth * np.tanh(pattern * np.float32(1.2))), dtype=np.float32)


def measure_blob(blob: Blob, grid: ImageGrid) -> tuple[float, float] | None:
    """Return short and long axis of a blob over the acquired planes, or None where no plane cuts it.

    Per plane the long axis is the longest diameter and the width its largest extent perpendicular to it; the short
    axis is the largest width, the long axis that of the same plane.
    """
    centre = grid.body_to_index(blob.centre)
    reach = blob.reach_mm()
    best: tuple[float, float] | None = None
    for index in range(grid.shape[0]):
        if abs(index - centre[0]) * grid.spacing_mm[0] < reach:
            axes = _plane_axes(blob, grid, np.array([index, centre[1], centre[2]]), reach)
            if axes is not None and (best is None or axes[0] > best[0]):
                best = axes
    return best


def _plane_axes(blob: Blob, grid: ImageGrid, middle: Points, reach: float) -> tuple[float, float] | None:
    """Return width and longest diameter of a blob's section, from samples on its own fine lattice."""
    steps = np.linspace(-reach, reach, 120)
    step = steps[1] - steps[0]
    index = np.broadcast_to(middle, (120, 120, 3)).copy()
    index[..., 1] += steps[:, None] / grid.spacing_mm[1]
    index[..., 2] += steps[None, :] / grid.spacing_mm[2]
    body = grid.index_to_body(index).astype(np.float32)
    inside = blob.distance_mm(body[..., 0], body[..., 1], body[..., 2]) < 0
    rows, columns = np.nonzero(inside & ~_surrounded(inside))
    if not rows.size:
        return None
    angles = np.radians(np.arange(0, 180, 2))
    along = steps[rows][:, None] * np.sin(angles) + steps[columns][:, None] * np.cos(angles)
    extent = np.ptp(along, axis=0) + step
    longest = int(extent.argmax())
    return float(extent[(longest + 45) % 90]), float(extent[longest])


def _surrounded(inside: Mask) -> Mask:
    """Return which cells have all four neighbours inside."""
    padded = np.pad(inside, 1)
    neighbours = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.asarray(neighbours, dtype=np.bool_)


def fit_blob(blob: Blob, wanted_mm: float, grid: ImageGrid) -> tuple[Blob, tuple[float, float]]:
    """Return a blob scaled until its measured short axis is as wanted, with its short and long axis.

    The measure jumps where the longest diameter turns or another plane meets the shape; where the wanted value falls
    into such a jump the nearest value on the same side of 7 mm is taken.
    """
    large = wanted_mm >= POSITIVE_SHORT_AXIS_MM
    best: tuple[Blob, tuple[float, float]] | None = None
    for attempt in range(_ATTEMPTS):
        axes = measure_blob(blob, grid)
        if axes is None:
            blob = blob.scaled(1.2)
            continue
        if (axes[0] >= POSITIVE_SHORT_AXIS_MM) == large:
            if best is None or abs(axes[0] - wanted_mm) < abs(best[1][0] - wanted_mm):
                best = blob, axes
            if abs(axes[0] - wanted_mm) <= _TOLERANCE_MM:
                break
        blob = blob.scaled((wanted_mm / axes[0]) ** (0.9 * 0.9**attempt))
    if best is None:
        raise RuntimeError(f"no scale gives a short axis of {wanted_mm:.2f} mm in the acquired planes")
    return best
