"""Faults planted into parts of sound images, and what is unusual but sound: for the gates on the image itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.volume import Volume

Voxels = npt.NDArray[np.float32]
Part = Callable[[Voxels], Voxels]
"""Returns a view."""

_PROSTHESIS_MM: Final = 25.0
_GAS_MM: Final = 18.0


@dataclass(frozen=True, eq=False)
class Planting:
    """What is done to an image, and which gates may tell it."""

    name: str
    change: Callable[[Volume], Voxels]
    """Returns other voxels (z, y, x), whole numbers; the volume stays as it is."""

    gates: frozenset[str]
    """One of them has to warn; empty where none may."""


def changed(change: Callable[[Voxels, Volume], None]) -> Callable[[Volume], Voxels]:
    """Return what makes a changed copy of a volume's voxels."""

    def make(volume: Volume) -> Voxels:
        """Return a changed copy of a volume's voxels."""
        voxels = np.array(volume.voxels, dtype=np.float32)
        change(voxels, volume)
        return voxels

    return make


def _middle(voxels: Voxels) -> int:
    return len(voxels) // 2


def _box(voxels: Voxels, depth: tuple[float, float], value: float) -> None:
    """Fill a box over a third of the rows and half of the columns, in a part of the slices, with one value."""
    n, h, w = voxels.shape
    voxels[
        int(depth[0] * n) : max(int(depth[1] * n), int(depth[0] * n) + 1), h // 3 : 2 * h // 3, w // 4 : 3 * w // 4
    ] = value


def _disc(volume: Volume, row: float, column: float, radius_mm: float) -> npt.NDArray[np.bool_]:
    """Return the pixels (y, x) of a disc about a point given as shares of the slice."""
    y, x = np.mgrid[: volume.shape[1], : volume.shape[2]]
    down, right = (
        (y - row * volume.shape[1]) * volume.spacing_mm[1],
        (x - column * volume.shape[2]) * volume.spacing_mm[2],
    )
    return np.asarray(down**2 + right**2 < radius_mm**2)


def noise_like(voxels: Voxels, seed: int = 0) -> Voxels:
    """Return noise as strong as half the signal."""
    scale = 0.5 * float(np.percentile(voxels, 95))
    return np.abs(np.random.default_rng(seed).normal(0, scale, voxels.shape)).round().astype(np.float32)


def _dead_disc(voxels: Voxels, volume: Volume, slices: int, radius_mm: float) -> None:
    first = _middle(voxels) - slices // 2
    voxels[first : first + slices, _disc(volume, 0.5, 0.35, radius_mm)] = 0


def _reorder(voxels: Voxels, order: Callable[[int], list[tuple[int, int]]]) -> None:
    """Put slices in the place of others: pairs of a place and the slice that comes there."""
    source = voxels.copy()
    for place, slice_index in order(len(voxels)):
        voxels[place] = source[slice_index]


def _bodies(
    volume: Volume, columns: tuple[float, ...], radius_mm: float
) -> Iterator[tuple[int, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    """Yield slices, discs and rims of balls about the middle slice."""
    reach = int(radius_mm / volume.spacing_mm[0]) + 1
    for column in columns:
        for offset in range(-reach, reach + 1):
            z = volume.shape[0] // 2 + offset
            squared = radius_mm**2 - (offset * volume.spacing_mm[0]) ** 2
            if squared > 0 and 0 <= z < volume.shape[0]:
                radius = float(np.sqrt(squared))
                disc = _disc(volume, 0.45, column, radius)
                yield z, disc, _disc(volume, 0.45, column, 1.15 * radius) & ~disc


def _prosthesis(voxels: Voxels, volume: Volume, *, noise: bool) -> None:
    """Put two voids with a bright rim where the hips are."""
    generator = np.random.default_rng(1)
    for z, disc, rim in _bodies(volume, (0.2, 0.8), _PROSTHESIS_MM):
        level = 0.01 * float(np.percentile(voxels, 95))
        voxels[z][disc] = np.abs(generator.normal(0, level, int(disc.sum()))).round() if noise else 0
        voxels[z][rim] = (2 * voxels[z][rim]).round()


def _gas(voxels: Voxels, volume: Volume, *, noise: bool) -> None:
    generator = np.random.default_rng(2)
    for z, disc, _ in _bodies(volume, (0.5,), _GAS_MM):
        level = 0.02 * float(np.percentile(voxels, 95))
        voxels[z][disc] = np.abs(generator.normal(0, level, int(disc.sum()))).round() if noise else 0


def _stripes(voxels: Voxels, _: Volume) -> None:
    voxels[::2] = (0.6 * voxels[::2]).round()


def _without_background(voxels: Voxels, _: Volume) -> None:
    voxels[voxels < 0.06 * np.percentile(voxels, 95)] = 0


def _in_8_bits(voxels: Voxels, _: Volume) -> None:
    voxels[:] = (voxels * (255 / voxels.max())).round()


def filled(name: str, gates: frozenset[str], part: Part, value: Callable[[Voxels], Voxels | float] | float) -> Planting:
    """Return the fault of a part of the image that is filled with a value, or with what is made of itself."""

    def change(voxels: Voxels, _: Volume) -> None:
        """Fill the part."""
        view = part(voxels)
        view[...] = value(view) if callable(value) else value

    return Planting(name, changed(change), gates)


def _ordered(name: str, order: Callable[[int], list[tuple[int, int]]]) -> Planting:
    """Return the fault of slices that stand in the place of others, by the number of slices."""
    return Planting(name, changed(lambda voxels, _: _reorder(voxels, order)), SLICES)


def _whole(voxels: Voxels) -> Voxels:
    return voxels


def _one(voxels: Voxels) -> Voxels:
    middle: Voxels = voxels[len(voxels) // 2]
    return middle


def _six(voxels: Voxels) -> Voxels:
    return voxels[len(voxels) // 2 : len(voxels) // 2 + 6]


def _rows(voxels: Voxels) -> Voxels:
    return voxels[:, voxels.shape[1] // 2 : voxels.shape[1] // 2 + 8]


def _middle_of_row(plane: Voxels) -> Voxels:
    return plane[plane.shape[0] // 2, plane.shape[1] // 4 : 3 * plane.shape[1] // 4]


def _reversed(voxels: Voxels) -> Voxels:
    return voxels[::-1].copy()


ZONES: Final = frozenset({"dead_zones"})
SLICES: Final = frozenset({"odd_slices"})
EITHER: Final = ZONES | SLICES
LEVELS: Final = frozenset({"grey_levels"})

FAULTS: Final = (
    Planting("a box of zeros in a third of the slices", changed(lambda v, _: _box(v, (0.3, 0.65), 0)), ZONES),
    Planting("a box of zeros in one slice", changed(lambda v, _: _box(v, (0.5, 0.5), 0)), ZONES),
    Planting("a box of zeros in all slices", changed(lambda v, _: _box(v, (0, 1), 0)), ZONES),
    Planting("a box of the largest value", changed(lambda v, _: _box(v, (0.3, 0.65), 4095)), EITHER),
    Planting("a box of a middle grey", changed(lambda v, _: _box(v, (0.3, 0.65), 200)), ZONES),
    Planting("a disc of zeros, 30 mm in radius, in six slices", changed(lambda v, g: _dead_disc(v, g, 6, 30)), ZONES),
    Planting("a disc of zeros, 15 mm in radius, in one slice", changed(lambda v, g: _dead_disc(v, g, 1, 15)), ZONES),
    filled("eight rows of zeros in six slices", ZONES, lambda v: _rows(_six(v)), 0),
    filled("eight rows of zeros in all slices", ZONES, _rows, 0),
    filled("the middle of one row of zeros in one slice", ZONES, lambda v: _middle_of_row(_one(v)), 0),
    filled("a column of zeros in all slices", ZONES, lambda v: v[:, :, 2 * v.shape[2] // 5], 0),
    filled("the left half dead in six slices", EITHER, lambda v: _six(v)[:, :, v.shape[2] // 2 :], 0),
    filled("a quarter dead in six slices", EITHER, lambda v: _six(v)[:, : v.shape[1] // 2, : v.shape[2] // 2], 0),
    filled("every second slice zero", SLICES, lambda v: v[::2], 0),
    filled("one slice zero", SLICES, _one, 0),
    filled("the lowest slice zero", SLICES, lambda v: v[0], 0),
    filled("one slice of the largest value", SLICES, _one, 4095),
    filled("one slice saturated", SLICES, _one, lambda p: np.minimum(p, np.percentile(p, 60))),
    filled("one slice of noise", SLICES, _one, noise_like),
    filled("two slices of noise", SLICES, lambda v: _six(v)[:2], noise_like),
    filled("every second slice of noise", SLICES, lambda v: v[::2], noise_like),
    filled("one slice at 1/100 of its signal", SLICES, _one, lambda p: p // 100),
    _ordered("a copy of the slice before", lambda n: [(n // 2, n // 2 - 1)]),
    _ordered("a copy of a far slice", lambda n: [(n // 2, 3)]),
    _ordered("two neighbours exchanged", lambda n: [(n // 2, n // 2 + 1), (n // 2 + 1, n // 2)]),
    _ordered("two slices exchanged, one between them", lambda n: [(n // 2, n // 2 + 2), (n // 2 + 2, n // 2)]),
    _ordered("two far slices exchanged", lambda n: [(3, n - 4), (n - 4, 3)]),
    _ordered("the lowest two slices exchanged", lambda n: [(0, 1), (1, 0)]),
    filled("four slices in reverse", SLICES, lambda v: _six(v)[:4], _reversed),
    filled("one slice mirrored", SLICES, _one, lambda p: p[:, ::-1].copy()),
    filled("one slice upside down", SLICES, _one, _reversed),
    filled("all above three quarters clipped", EITHER, _whole, lambda v: np.minimum(v, np.percentile(v, 75))),
    filled("signal of 1/200", LEVELS, _whole, lambda v: v // 200),
    filled("signal of 1/200, multiplied again", LEVELS, _whole, lambda v: 200 * (v // 200)),
)
"""Each of them has to be told by one of its gates; those that run through an image are in `artefact_faults`."""

SOUND: Final = (
    Planting("hip prostheses on both sides", changed(lambda v, g: _prosthesis(v, g, noise=True)), frozenset()),
    Planting("hip prostheses whose voids are zero", changed(lambda v, g: _prosthesis(v, g, noise=False)), frozenset()),
    Planting("gas in the bowel", changed(lambda v, g: _gas(v, g, noise=True)), frozenset()),
    Planting("gas in the bowel that is zero", changed(lambda v, g: _gas(v, g, noise=False)), frozenset()),
    Planting("interleaved slices bright and dark in turn", changed(_stripes), frozenset()),
    Planting("background set to zero", changed(_without_background), frozenset()),
    Planting("256 grey levels", changed(_in_8_bits), frozenset()),
)
"""Unusual, and to be let pass by every gate on slices, areas and grey levels."""
