"""The plan of a case: anatomy, acquisition and the truth of its nodes, without any voxel."""

from dataclasses import dataclass

import numpy as np

from core.labels import EXTERNAL_ILIAC, INTERNAL_ILIAC, OBTURATOR, STATION_LABELS, Station
from phantom.anatomy import Part, build_frame, build_organs, draw_build
from phantom.body import Body
from phantom.grid import ImageGrid
from phantom.look_alikes import PER_NODE, draw_bowel, draw_look_alikes
from phantom.nodes import NodeDraw, PlannedNode, draw_blob, draw_foci, draw_nodes, fit_blob, node_status
from phantom.people.body import draw_person_body, people_of
from phantom.sequence import draw_acquisition
from phantom.shapes import Blob
from phantom.sites import ELSEWHERE, MESORECTUM, Sites, find_sites
from phantom.stations import StationBounds
from phantom.truth import GENERATOR_VERSION, Acquisition, PhantomOptions, TrueNode
from phantom.vessels import draw_side

_STATION_CHANCES = {EXTERNAL_ILIAC: 0.27, OBTURATOR: 0.38, INTERNAL_ILIAC: 0.35}

_BORDER_MM = 7.0
"""Nodes lie near the border to another station this much (decay length): position alone shall not tell the station."""

_GAP_MM = 2.0
"""Least distance between two nodes, so that they stay two."""


@dataclass(frozen=True, eq=False)
class CasePlan:
    """Everything about a case but its voxels."""

    seed: int
    """Seed of the case."""

    options: PhantomOptions
    """Options of the case."""

    acquisition: Acquisition
    """Sequence and scanner, before mirroring."""

    grid: ImageGrid
    """The acquired slices and the body's pose, before mirroring."""

    body: Body
    """The patient, before mirroring."""

    look_alikes: tuple[Part, ...]
    """Things placed to look like nodes; vessels, nerves and ureters of the body come on top of these."""

    planned: tuple[PlannedNode, ...]
    """The nodes, before mirroring."""

    @property
    def nodes(self) -> tuple[TrueNode, ...]:
        """Truth of the nodes, mirrored where the options say so."""
        return tuple(mirror_node(node.truth) if self.options.mirrored else node.truth for node in self.planned)

    @property
    def patient_positive(self) -> bool:
        """Return whether any node is positive."""
        return any(node.truth.status == "positive" for node in self.planned)


def make_plan(seed: int, options: PhantomOptions) -> CasePlan:
    """Draw a case from its seed; each stage has its own stream, so that forcing one leaves the others as they are."""
    acquisition, grid = draw_acquisition(options, _stream(seed, 1))
    body = _draw_body(options, _stream(seed, 2))
    rng = _stream(seed, 3)
    sites = find_sites(body, grid, rng)
    planned = _place_all(draw_nodes(options, rng), sites, grid, rng)
    rng = _stream(seed, 4)
    wanted = max(PER_NODE * len(planned), 6) + int(rng.poisson(3))
    look_alikes = _look_alikes(wanted, sites, planned, rng)
    return CasePlan(seed, options, acquisition, grid, body, look_alikes, planned)


def _draw_body(options: PhantomOptions, rng: np.random.Generator) -> Body:
    """Return the body of a case: of people's label maps where the options name a folder, else of shapes."""
    if options.anatomy is not None:
        return draw_person_body(people_of(options.anatomy, options.left_out), rng)
    build = draw_build(rng)
    sides = (draw_side(1, build, rng), draw_side(-1, build, rng))
    frame, organs = build_frame(build), build_organs(build, rng)
    bowel = draw_bowel(build, rng)
    tubes = [part for side in sides for part in side.courses]
    bounds = StationBounds.of_build(build)
    return Body(build, bounds, bounds, sides, (*frame, *bowel, *organs, *tubes))


def mirror_node(node: TrueNode) -> TrueNode:
    """Return a node reflected left-right in patient space."""
    x, y, z = node.centre_lps_mm
    other = "right" if node.side == "left" else "left"
    return TrueNode(**{**vars(node), "side": other, "centre_lps_mm": (-x, y, z)})


def _stream(seed: int, stage: int) -> np.random.Generator:
    return np.random.default_rng([GENERATOR_VERSION, stage, seed])


def _place_all(
    draws: list[NodeDraw], sites: Sites, grid: ImageGrid, rng: np.random.Generator
) -> tuple[PlannedNode, ...]:
    """Give every node a place, the largest first."""
    placed: list[PlannedNode] = []
    for draw in sorted(draws, key=lambda one: -one.short_axis_mm):
        placed.append(_place(draw, len(placed) + 1, placed, sites, grid, rng))
    return tuple(placed)


def _place(
    draw: NodeDraw, number: int, placed: list[PlannedNode], sites: Sites, grid: ImageGrid, rng: np.random.Generator
) -> PlannedNode:
    shape = draw_blob(draw, rng)
    room = np.full(len(sites.points), 40.0)
    for other in placed:
        gap = np.linalg.norm(sites.points - other.blob.centre, axis=1) - other.blob.reach_mm() - shape.reach_mm()
        room = np.minimum(room, gap - _GAP_MM)
    want = 0.5 * draw.short_axis_mm
    slack = np.minimum(sites.solid_mm - 0.75 * want, sites.tube_mm - 0.9 * want)
    slack = np.where(room > 0, slack, room - 30)
    chances = np.array(list(_STATION_CHANCES.values()))
    wanted = [list(_STATION_CHANCES)[k] for k in rng.choice(3, size=3, replace=False, p=chances)]
    left = bool(rng.random() < 0.5)
    order = [(label, side) for label in wanted for side in (left, not left)]
    for label, side in order:
        fits = np.flatnonzero((sites.stations == label) & (sites.left == side) & (slack > 0))
        if fits.size:
            nearness = np.exp(-sites.border_mm[fits] / _BORDER_MM)
            site = int(rng.choice(fits, p=nearness / nearness.sum()))
            break
    else:
        inside = np.flatnonzero(np.isin(sites.stations, wanted))
        if not inside.size:
            raise RuntimeError("no station of this patient lies within the imaged slices")
        site = int(inside[int(np.argmax(slack[inside]))])
    foci = draw_foci(draw.short_axis_mm, rng)
    blob, axes = fit_blob(shape.moved(sites.points[site]), draw.short_axis_mm, grid)
    station = STATION_LABELS[int(sites.stations[site])]
    return PlannedNode(_truth(number, blob, axes, draw, station, grid), blob, draw.signal, foci)


def _truth(
    number: int, blob: Blob, axes: tuple[float, float], draw: NodeDraw, station: Station, grid: ImageGrid
) -> TrueNode:
    x, y, z = grid.pose.to_lps_mm(blob.centre)
    irregular, heterogeneous = draw.irregular_border, draw.heterogeneous_signal
    return TrueNode(
        id=number,
        side="left" if blob.centre[0] > 0 else "right",
        station=station,
        centre_lps_mm=(float(x), float(y), float(z)),
        short_axis_mm=axes[0],
        long_axis_mm=axes[1],
        irregular_border=irregular,
        heterogeneous_signal=heterogeneous,
        status=node_status(axes[0], irregular, heterogeneous),
    )


def _look_alikes(
    wanted: int, sites: Sites, planned: tuple[PlannedNode, ...], rng: np.random.Generator
) -> tuple[Part, ...]:
    free = (sites.solid_mm > 2.5) & (sites.tube_mm > 2.0)
    sidewall = sites.points[free & (sites.stations < ELSEWHERE)]
    deep = free & (np.abs(sites.points[:, 0]) < 90)
    elsewhere = sites.points[deep & (sites.stations == ELSEWHERE)]
    return draw_look_alikes(
        wanted, sidewall, elsewhere, sites.points[free & (sites.stations == MESORECTUM)], planned, rng
    )
