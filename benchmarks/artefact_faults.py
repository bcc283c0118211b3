"""Faults planted into sound images that run through many or all slices: lost signal, spikes, copies, wrapped bodies."""

from collections.abc import Callable
from typing import Final

import numpy as np

from benchmarks.image_faults import EITHER, SLICES, ZONES, Planting, Voxels, changed, filled, noise_like
from core.volume import Volume

WHOLE: Final = frozenset({"image_artefacts"})
_WEAK: Final = 8
"""Largest grey level of the noise that a receiver without signal leaves."""


def _weak_noise(part: Voxels) -> Voxels:
    return np.random.default_rng(3).integers(0, _WEAK + 1, part.shape).astype(np.float32)


def _noise_of_two_percent(voxels: Voxels, _: Volume) -> None:
    part = _middle(voxels)
    level = 0.02 * float(np.percentile(voxels, 95))
    part[...] = np.random.default_rng(4).uniform(0, level, part.shape).round()


def _middle(voxels: Voxels) -> Voxels:
    return voxels[:, voxels.shape[1] // 4 : 3 * voxels.shape[1] // 4, voxels.shape[2] // 4 : 3 * voxels.shape[2] // 4]


def _third(voxels: Voxels) -> Voxels:
    return _middle(voxels)[len(voxels) // 3 : 2 * len(voxels) // 3]


def _half(axis: int, *, last: bool) -> Callable[[Voxels], Voxels]:
    def part(voxels: Voxels) -> Voxels:
        """Return the half before or after the middle of an axis."""
        along = np.moveaxis(voxels, axis, 0)
        middle = len(along) // 2
        return along[middle:] if last else along[:middle]

    return part


def _quarter(voxels: Voxels) -> Voxels:
    return voxels[:, voxels.shape[1] // 2 :, voxels.shape[2] // 2 :]


def _spike(amplitude: float, only: slice = slice(None)) -> Callable[[Voxels, Volume], None]:
    def change(voxels: Voxels, _: Volume) -> None:
        """Add stripes of one frequency."""
        y, x = np.mgrid[: voxels.shape[1], : voxels.shape[2]]
        level = amplitude * float(np.percentile(voxels, 95))
        stripes = level * (1 + np.cos(2 * np.pi * (y / 9.3 + x / 5.1)))
        voxels[only] = (voxels[only] + stripes).round()

    return change


def _ghost(amplitude: float, shift: float, axis: int) -> Callable[[Voxels, Volume], None]:
    def change(voxels: Voxels, _: Volume) -> None:
        """Lay a copy of the image over itself, moved along an axis."""
        copy = np.roll(voxels, int(shift * voxels.shape[axis]), axis)
        voxels[:] = ((1 - amplitude) * voxels + amplitude * copy).round()

    return change


def _rolled(shift: float, axis: int) -> Callable[[Voxels, Volume], None]:
    def change(voxels: Voxels, _: Volume) -> None:
        """Put what leaves the image on one side in again on the other."""
        voxels[:] = np.roll(voxels, int(shift * voxels.shape[axis]), axis)

    return change


def _turned_round(voxels: Voxels, _: Volume) -> None:
    voxels[:] = voxels.max() - voxels


def _drop_off(voxels: Voxels, volume: Volume) -> None:
    """Let the signal fall to a hundredth from the middle to the left side, as where one coil is off."""
    columns = np.arange(voxels.shape[2]) - voxels.shape[2] / 2
    reach_mm = np.maximum(0.0, columns * volume.spacing_mm[2])
    voxels[:] = (voxels * np.maximum(0.01, np.exp(-reach_mm / 12.0))).round()


def _saturated(part: Voxels) -> Voxels:
    return np.minimum(part, np.percentile(part, 40))


def _faint_ghosts(voxels: Voxels, _: Volume) -> None:
    """Lay faint copies of the front wall over the image, as breathing does."""
    front = voxels * (np.linspace(1.0, 0.0, voxels.shape[1]) ** 2)[:, np.newaxis]
    step = voxels.shape[1] // 6
    voxels[:] = (voxels + 0.05 * (np.roll(front, step, 1) + 0.6 * np.roll(front, 2 * step, 1))).round()


ARTEFACTS: Final = (
    filled("a box of noise of 0 to 8 in a third of the slices", ZONES, _third, _weak_noise),
    filled("a box of noise of 0 to 8 in all slices", ZONES, _middle, _weak_noise),
    Planting("a box of noise of 2 % of the signal in all slices", changed(_noise_of_two_percent), ZONES),
    filled("the middle at 1 % of its signal", ZONES, _middle, lambda part: part // 100),
    filled("the lower half of each slice zero", ZONES, _half(1, last=True), 0),
    filled("the upper half of each slice zero", ZONES, _half(1, last=False), 0),
    filled("the left half of each slice zero", ZONES, _half(2, last=True), 0),
    filled("the right half of each slice zero", ZONES, _half(2, last=False), 0),
    filled("a quarter of each slice zero", ZONES, _quarter, 0),
    filled("the lower half of each slice noise of 0 to 8", ZONES, _half(1, last=True), _weak_noise),
    filled("the left half of each slice noise of 0 to 8", ZONES, _half(2, last=True), _weak_noise),
    filled("the lower half of each slice of the largest value", EITHER, _half(1, last=True), 4095),
    filled("the left half of each slice saturated", EITHER, _half(2, last=True), _saturated),
    filled("every third slice of noise", SLICES, lambda v: v[::3], noise_like),
    Planting("stripes of a fifth of the signal", changed(_spike(0.2)), SLICES),
    Planting("stripes of a twentieth of the signal", changed(_spike(0.05)), SLICES),
    Planting("stripes in one slice", changed(_spike(0.1, slice(9, 10))), SLICES),
    Planting("contrast turned round", changed(_turned_round), WHOLE),
    Planting("wrapped by a third of the rows", changed(_rolled(0.35, 1)), WHOLE),
    Planting("wrapped by two fifths of the columns", changed(_rolled(0.4, 2)), WHOLE),
    Planting("wrapped by an eighth of the columns the other way", changed(_rolled(-0.125, 2)), WHOLE),
    Planting("a copy of a third, half a field away", changed(_ghost(0.3, 0.5, 1)), WHOLE),
    Planting("a copy of a fifth, a quarter of a field away", changed(_ghost(0.2, 0.25, 2)), WHOLE),
)
"""Each of them has to be told by one of its gates."""

WITHOUT_VERDICT: Final = (
    Planting("signal that falls to a hundredth on the left", changed(_drop_off), frozenset()),
    filled(
        "the middle of a third of the slices at 3 % of its signal",
        frozenset(),
        _third,
        lambda part: (0.03 * part).round(),
    ),
)
"""What no gate has to tell before the stations are known: none of them may be called negative."""

FAINT: Final = (Planting("faint ghosts of the front wall", changed(_faint_ghosts), frozenset()),)
"""Unusual, and to be let pass by every gate."""
