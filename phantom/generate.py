"""From a seed to a case: plan, paint, label, acquire."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.labels import NODE_NEGATIVE, NODE_POSITIVE, OBTURATOR
from core.volume import Volume
from phantom.anatomy import SIDEWALL_TISSUES, TISSUES, Part
from phantom.canvas import Canvas, coverage, whole_slices
from phantom.grid import ImageGrid, Slices
from phantom.nodes import PlannedNode, node_signal
from phantom.plan import CasePlan, make_plan
from phantom.random_contrast import add_random_texture, draw_random_signals, with_random_signal
from phantom.sequence import add_texture, draw_signals, form_image, scanner_of
from phantom.stations import beyond_wall, station_field
from phantom.truth import GENERATOR_VERSION, Acquisition, LabelledCase, PhantomCase, PhantomOptions

_STATION_BOX = ((4.0, 112.0), (-96.0, 96.0), (-60.0, 130.0))
"""Body box of the left side's stations, mm."""


def plan_case(seed: int, *, options: PhantomOptions = PhantomOptions()) -> CasePlan:  # noqa: B008 - frozen
    """Return the truth of a case without its image: its `nodes` and `acquisition` are those of `generate_case`."""
    return make_plan(seed, options)


def label_case(
    seed: int,
    *,
    options: PhantomOptions = PhantomOptions(),  # noqa: B008 - frozen
    coarsened: int = 1,
) -> LabelledCase:
    """Make the label maps of a case without its image: those of `generate_case`, in a third of the time.

    With `coarsened` they have pixels that many times as wide, on the same slices, and take a fraction of that.
    """
    plan = make_plan(seed, options)
    (depth, height, width), (z, y, x) = plan.grid.shape, plan.grid.spacing_mm
    shape, spacing_mm = (depth, height // coarsened, width // coarsened), (z, y * coarsened, x * coarsened)
    return label_plan(replace(plan, grid=replace(plan.grid, shape=shape, spacing_mm=spacing_mm)))[0]


def label_plan(plan: CasePlan) -> tuple[LabelledCase, Volume]:
    """Make the label maps of a plan on its own grid, and its body (float32) without nodes, texture and noise."""
    node_ids = _node_ids(plan)
    canvas = _paint(plan, np.random.default_rng([GENERATOR_VERSION, 5, plan.seed]))
    labels = _volume(plan, _labels(plan, canvas, node_ids))
    return LabelledCase(plan.seed, labels, _volume(plan, node_ids), plan.nodes), _volume(plan, canvas.signal)


def generate_case(seed: int, *, options: PhantomOptions = PhantomOptions()) -> PhantomCase:  # noqa: B008 - frozen
    """Make one synthetic patient; the same seed and options give the same bytes.

    Raises `ValueError` on options that no patient can meet.
    """
    plan = make_plan(seed, options)
    rng = np.random.default_rng([GENERATOR_VERSION, 5, seed])
    canvas = _paint(plan, rng)
    node_ids = _node_ids(plan)
    labels = _labels(plan, canvas, node_ids)
    if options.contrast == "random":
        add_random_texture(canvas.signal, canvas.tissues, plan.grid.spacing_mm[1], rng)
        _paint_nodes(with_random_signal(plan.planned, canvas.signal, canvas.tissues, rng), plan.grid, canvas)
    else:
        add_texture(canvas.signal, canvas.tissues, plan.grid.spacing_mm[1], rng)
        _paint_nodes(plan.planned, plan.grid, canvas)
    image = form_image(canvas.signal, plan.acquisition, scanner_of(options), rng)
    return PhantomCase(
        seed=seed,
        image=_volume(plan, image),
        labels=_volume(plan, labels),
        node_ids=_volume(plan, node_ids),
        tissues=_volume(plan, canvas.tissues),
        nodes=plan.nodes,
        acquisition=_acquisition(plan),
        hospital=options.hospital,
        people=plan.body.people,
    )


def _paint(plan: CasePlan, rng: np.random.Generator) -> Canvas:
    canvas = Canvas.empty(plan.grid)
    signals = draw_random_signals(rng) if plan.options.contrast == "random" else draw_signals(rng)
    for part in (*plan.body.parts, *plan.look_alikes):
        canvas.paint(part, _signal(part, signals, plan, rng))
    return canvas


def _signal(part: Part, signals: dict[str, float], plan: CasePlan, rng: np.random.Generator) -> float:
    """Return a part's signal: its own, its tissue's, or, of random contrast, another one for what has its own."""
    if part.signal is None:
        return signals[part.tissue]
    return part.signal if plan.options.contrast == "informed" else float(signals[part.tissue] * rng.uniform(0.6, 1.5))


def _paint_nodes(nodes: tuple[PlannedNode, ...], grid: ImageGrid, canvas: Canvas) -> None:
    for node in nodes:
        where = whole_slices(grid, node.blob.box(1.0))
        if where is not None:
            fine = grid.coordinates(where[1])
            share = coverage(grid, node.blob.distance_mm(*fine))
            signal = node_signal(node, *fine)
            mean = signal.reshape(-1, grid.subslices, *signal.shape[1:]).mean(axis=1)
            canvas.blend(where[0], share, mean, "node")


def _node_ids(plan: CasePlan) -> npt.NDArray[np.uint8]:
    """Return the instance map: a voxel belongs to a node whose shape holds the voxel's centre."""
    ids = np.zeros(plan.grid.shape, dtype=np.uint8)
    for node in plan.planned:
        _mark(ids, node, plan.grid)
    return ids


def _mark(ids: npt.NDArray[np.uint8], node: PlannedNode, grid: ImageGrid) -> None:
    where = whole_slices(grid, node.blob.box(1.0))
    if where is not None:
        x, y, z = grid.coordinates(where[1])
        middle = slice(grid.subslices // 2, None, grid.subslices)
        ids[where[0]][node.blob.distance_mm(x[middle], y[middle], z[middle]) < 0] = node.truth.id


def _labels(plan: CasePlan, canvas: Canvas, node_ids: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the label map: stations where the sidewall's fat and small structures are, nodes over them."""
    labels = np.zeros(plan.grid.shape, dtype=np.uint8)
    allowed = np.zeros(len(TISSUES), dtype=bool)
    allowed[[TISSUES[name] for name in SIDEWALL_TISSUES]] = True
    for side, bounds in zip(plan.body.sides, plan.body.bounds, strict=True):
        where = _side_slices(plan.grid, side.sign)
        if where is not None:
            x, y, z = _middle_coordinates(plan.grid, where)
            field = station_field(side, bounds, x, y, z)
            tissues = canvas.tissues[where]
            field[~allowed[tissues] | (side.sign * x <= 0)] = 0
            if plan.body.people:  # in bodies of shapes the plane of the bounds is the wall
                field[(field == OBTURATOR) & beyond_wall(side, tissues, x, z)] = 0
            np.maximum(labels[where], field, out=labels[where])
    for node in plan.planned:
        labels[node_ids == node.truth.id] = NODE_POSITIVE if node.truth.status == "positive" else NODE_NEGATIVE
    return labels


def _side_slices(grid: ImageGrid, sign: int) -> Slices | None:
    (x0, x1), y, z = _STATION_BOX
    where = whole_slices(grid, ((x0, x1) if sign > 0 else (-x1, -x0), y, z))
    return None if where is None else where[0]


def _middle_coordinates(grid: ImageGrid, where: Slices) -> tuple[npt.NDArray[np.float32], ...]:
    n = grid.subslices
    x, y, z = grid.coordinates((slice(where[0].start * n, where[0].stop * n), where[1], where[2]))
    middle = slice(n // 2, None, n)
    return x[middle], y[middle], z[middle]


def _volume(plan: CasePlan, voxels: npt.NDArray[Any]) -> Volume:
    """Return voxels with their place; a mirrored patient is reflected about the plane x = 0 of the patient frame."""
    grid = plan.grid
    x, y, z = grid.origin_lps_mm
    if plan.options.mirrored:
        voxels = np.ascontiguousarray(voxels[:, :, ::-1])
        x = -(x + (grid.shape[2] - 1) * grid.spacing_mm[2])
    return Volume(voxels, grid.spacing_mm, (x, y, z), grid.direction)


def _acquisition(plan: CasePlan) -> Acquisition:
    sign = -1.0 if plan.options.mirrored else 1.0
    return Acquisition(**{**vars(plan.acquisition), "roll_deg": sign * plan.acquisition.roll_deg})
