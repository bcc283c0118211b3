"""Bodies whose axes in any plane are known from their formulas: what measured nodes are held against."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from core.measuring.contours import plane_axes
from core.volume import Volume

FloatArray = npt.NDArray[np.float64]
Kind = Literal["ellipsoid", "cylinder", "bean", "irregular", "pair"]

KINDS: Final[tuple[Kind, ...]] = ("ellipsoid", "cylinder", "bean", "irregular", "pair")
"""`pair` is two ellipsoids that touch; the first of them is measured."""

AXES_TURNED_BY_NOTHING: Final = np.eye(3)
"""The body's axes are x, y and z of the patient."""

_RAYS: Final = 720
"""Directions in which the edge of a section is looked for: half a degree."""

_HALVINGS: Final = 18

_LATTICE: Final = 41
"""Points per direction among which a section is looked for."""

_SUBSAMPLES: Final = 7
"""Points per pixel and direction that a covered share is counted on."""

_SUBSLICES: Final = 4
"""Planes through a slice's thickness."""

_ROOM_PIXELS: Final = 6
"""Empty pixels, and one slice, around a body in its image."""


@dataclass(frozen=True, eq=False)
class Body:
    """A body around a centre: inside where its function of the body's own coordinates is below 1."""

    kind: Kind
    centre: FloatArray
    """(3,) in patient coordinates, LPS mm."""

    rotation: FloatArray
    """3x3; columns are the body's axes in patient coordinates."""

    semi_axes_mm: FloatArray
    """(3,) along the body's axes."""

    ripple: float = 0.0
    """Relative height of the waves of an irregular body."""

    phase: float = 0.0
    """Where those waves begin."""

    def contains(self, positions_lps_mm: FloatArray) -> npt.NDArray[np.bool_]:
        """Return which positions (..., 3) lie inside."""
        local = (positions_lps_mm - self.centre) @ self.rotation / self.semi_axes_mm
        if self.kind == "cylinder":
            return np.asarray((np.hypot(local[..., 0], local[..., 1]) < 1) & (np.abs(local[..., 2]) < 1))
        if self.kind == "bean":
            bent = local[..., 1] + 0.35 * (local[..., 0] ** 2 - 0.5)
            return np.asarray(local[..., 0] ** 2 + bent**2 + local[..., 2] ** 2 < 1)
        if self.kind == "irregular":
            turn = np.arctan2(local[..., 1], local[..., 0])
            waves = 0.7 * np.cos(3 * turn + self.phase) + 0.3 * np.cos(5 * turn + 2 * self.phase)
            flat = (local[..., 0] ** 2 + local[..., 1] ** 2) / (1 + self.ripple * waves) ** 2
            return np.asarray(flat + local[..., 2] ** 2 < 1)
        return np.asarray((local**2).sum(axis=-1) < 1)

    @property
    def reach_mm(self) -> float:
        """Return the radius of a ball around the centre that holds the body."""
        widened = {"cylinder": np.sqrt(2), "bean": 1.2, "irregular": 1 + self.ripple}
        return float(self.semi_axes_mm.max() * widened.get(self.kind, 1.0))


@dataclass(frozen=True, eq=False)
class Acquired:
    """Bodies as an image shows them."""

    bodies: tuple[Body, ...]
    """The first is the one measured."""

    covered: Volume
    """float32: share of each pixel that the bodies cover in the middle plane of its slice."""

    thick: Volume | None
    """float32: the same through the whole thickness of the slice, where it was asked for."""

    mask: Volume
    """bool: voxels whose centre lies inside a body."""


def draw_bodies(kind: Kind, rng: np.random.Generator, semi_axes_mm: Sequence[float] | None = None) -> tuple[Body, ...]:
    """Return a body of a kind, turned at random near LPS 0, or two that touch."""
    half = rng.uniform(2.0, 7.5)
    drawn = half * np.array([rng.uniform(1.0, 1.7), 1.0, rng.uniform(1.0, 1.8)])
    semi_axes = drawn if semi_axes_mm is None else np.asarray(semi_axes_mm, dtype=np.float64)
    ripple = rng.uniform(0.04, 0.14) if kind == "irregular" else 0.0
    first = Body(kind, rng.uniform(-3, 3, 3), _rotation(rng), semi_axes, ripple, rng.uniform(0, 2 * np.pi))
    return (first, _neighbour(first, rng)) if kind == "pair" else (first,)


def draw_grid(bodies: Sequence[Body], rng: np.random.Generator) -> Volume:
    """Return an empty grid around bodies: pixels of 0.4-0.8 mm, slices of 3-5 mm, tilted by up to 30 degrees."""
    pixel = rng.uniform(0.4, 0.8)
    spacing = (rng.uniform(3.0, 5.0), pixel, pixel)
    tilt, turn = rng.uniform(-30, 30), rng.uniform(-10, 10)
    direction = turn_about(2, turn) @ turn_about(0, tilt) @ np.eye(3)[:, ::-1]
    reach = max(float(np.linalg.norm(body.centre - bodies[0].centre)) + body.reach_mm for body in bodies)
    room = np.array([1, _ROOM_PIXELS, _ROOM_PIXELS])
    shape = 2 * (np.ceil(reach / np.asarray(spacing)).astype(int) + room) + 1
    start = bodies[0].centre - direction @ ((shape // 2 + rng.uniform(-0.5, 0.5, 3)) * spacing)
    z, y, x = map(int, shape)
    return Volume(np.zeros((z, y, x), np.float32), spacing, (start[0], start[1], start[2]), direction)


def acquire(bodies: tuple[Body, ...], grid: Volume, *, thick: bool) -> Acquired:
    """Return what an image on the grid shows of bodies; the covered share through the thickness only if asked for."""
    mask = grid.with_voxels(_inside(bodies, grid.index_to_lps_mm(_indices(grid))))
    covered = grid.with_voxels(_covered(bodies, grid, 0.0))
    if not thick:
        return Acquired(bodies, covered, None, mask)
    planes = [_covered(bodies, grid, (step + 0.5) / _SUBSLICES - 0.5) for step in range(_SUBSLICES)]
    return Acquired(bodies, covered, grid.with_voxels(np.stack(planes).mean(axis=0)), mask)


def true_axes_mm(body: Body, grid: Volume) -> tuple[float, float] | None:
    """Return short and long axis of the body's largest section among the planes of the grid's slices.

    The edge of every section is found by halving along rays; None where no plane cuts the body.
    """
    best: tuple[float, float] | None = None
    middle = grid.lps_mm_to_index(body.centre)
    for index in range(grid.shape[0]):
        edge = _section_mm(body, grid, np.array([index, middle[1], middle[2]]))
        if edge is not None:
            axes = plane_axes(edge)
            if best is None or axes.short_mm > best[0]:
                best = axes.short_mm, axes.long_mm
    return best


def true_axes_3d_mm(body: Body) -> tuple[float, float]:
    """Return smallest and largest diameter of an ellipsoid; raises `ValueError` for another kind."""
    if body.kind not in ("ellipsoid", "pair"):
        raise ValueError(f"only an ellipsoid's axes in space are known from its formula, got a {body.kind}")
    return 2 * float(body.semi_axes_mm.min()), 2 * float(body.semi_axes_mm.max())


def turn_about(axis: int, degrees: float) -> FloatArray:
    """Return the rotation (3, 3) about one of the axes x, y, z (0, 1, 2)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = np.eye(3)
    first, second = [other for other in range(3) if other != axis]
    turned[[first, second], [first, second]] = c
    turned[first, second], turned[second, first] = -s, s
    return turned


def _covered(bodies: tuple[Body, ...], grid: Volume, height: float) -> npt.NDArray[np.float32]:
    """Return the share of every pixel that bodies cover in the plane at a height (in slices) above its slice."""
    index = _indices(grid) + np.array([height, 0.0, 0.0])
    inside = _inside(bodies, grid.index_to_lps_mm(index))
    around = np.pad(inside, ((0, 0), (1, 1), (1, 1)))
    same = [around[:, y : y + inside.shape[1], x : x + inside.shape[2]] for y in range(3) for x in range(3)]
    mixed = np.any(same, axis=0) & ~np.all(same, axis=0)
    steps = (np.arange(_SUBSAMPLES) + 0.5) / _SUBSAMPLES - 0.5
    shifts = np.stack(np.meshgrid([0.0], steps, steps, indexing="ij"), axis=-1).reshape(1, -1, 3)
    covered = inside.astype(np.float32)
    covered[mixed] = _inside(bodies, grid.index_to_lps_mm(index[mixed][:, None, :] + shifts)).mean(axis=1)
    return covered


def _indices(grid: Volume) -> FloatArray:
    return np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1).astype(np.float64)


def _inside(bodies: tuple[Body, ...], positions: FloatArray) -> npt.NDArray[np.bool_]:
    return np.asarray(np.any([body.contains(positions) for body in bodies], axis=0))


def _section_mm(body: Body, grid: Volume, around: FloatArray) -> FloatArray | None:
    """Return the edge (k, 2) of a body's section by a slice, mm along (y, x), seen from a point inside it."""
    inner = _point_inside(body, grid, around)
    if inner is None:
        return None
    angles = np.linspace(0, 2 * np.pi, _RAYS, endpoint=False)
    rays = np.column_stack([np.sin(angles), np.cos(angles)])
    low, high = np.zeros(_RAYS), np.full(_RAYS, 2 * body.reach_mm + 1)
    for _ in range(_HALVINGS):
        half = (low + high) / 2
        inside = body.contains(grid.index_to_lps_mm(_in_plane(inner, rays * half[:, None], grid)))
        low, high = np.where(inside, half, low), np.where(inside, high, half)
    return np.asarray(rays * low[:, None])


def _point_inside(body: Body, grid: Volume, around: FloatArray) -> FloatArray | None:
    """Return the index of the middle of a body's section by a slice, from a fine lattice; None where it misses it."""
    steps = np.linspace(-body.reach_mm, body.reach_mm, _LATTICE)
    offsets = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    index = _in_plane(around, offsets, grid)
    inside = body.contains(grid.index_to_lps_mm(index))
    return np.asarray(index[inside].mean(axis=0)) if inside.any() else None


def _in_plane(around: FloatArray, offsets_mm: FloatArray, grid: Volume) -> FloatArray:
    """Return indices (k, 3) at in-plane offsets (k, 2) in mm along (y, x) from an index."""
    moved = np.column_stack([np.zeros(len(offsets_mm)), offsets_mm / np.asarray(grid.spacing_mm[1:])])
    return np.asarray(around + moved)


def _rotation(rng: np.random.Generator) -> FloatArray:
    turned, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return np.asarray(turned)


def _neighbour(first: Body, rng: np.random.Generator) -> Body:
    """Return an ellipsoid that touches the first one, beside it in the plane of the slices or nearly so."""
    semi_axes = first.semi_axes_mm * rng.uniform(0.75, 1.0)
    direction = np.array([np.cos(first.phase), np.sin(first.phase), 0.0])
    other = Body("pair", first.centre, _rotation(rng), semi_axes)
    distance = _support_mm(first, direction) + _support_mm(other, direction)
    return Body("pair", first.centre + distance * direction, other.rotation, semi_axes)


def _support_mm(body: Body, direction: FloatArray) -> float:
    """Return how far an ellipsoid reaches from its centre along a unit vector."""
    return float(np.linalg.norm(body.rotation.T @ direction * body.semi_axes_mm))
