"""One person's bones brought onto another's: affine first, then smooth deformation.

The affine part minimises the distances of points on the donor's bones to the target's (iterative least squares on
signed distances). The rest is Thirion's demons (Med Image Anal 1998;2:243-260) on the clipped distances of hip,
femur and sacrum, each its own channel so that no bone is drawn onto another.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage, optimize

from phantom.fields import LOW_MM, SIZE, STEP_MM
from phantom.people.keeping import keep, recall
from phantom.people.reading import BONES, Person
from phantom.shapes import Points

COARSE_MM: Final = 6.0
"""Grid of the deformation; it is smooth over several times as much."""

COARSE_SIZE: Final = tuple(int(np.ceil(n * STEP_MM / COARSE_MM)) + 1 for n in SIZE)
"""Nodes along z, y, x."""

_SMOOTH_MM: Final = 14.0
"""Standard deviation of the Gaussian that keeps the deformation smooth."""

_ITERATIONS: Final = 60
_SURFACE_POINTS: Final = 1500

CoarseMap = npt.NDArray[np.float32]
"""(3, z, y, x): body x, y, z in mm at every node of the coarse grid."""


def coarse_nodes() -> CoarseMap:
    """Return the coarse grid's own places."""
    z, y, x = (np.arange(n) * COARSE_MM + low for n, low in zip(COARSE_SIZE, LOW_MM[::-1], strict=True))
    grid = np.meshgrid(z, y, x, indexing="ij")
    return np.stack([grid[2], grid[1], grid[0]]).astype(np.float32)


def look_up(coarse: CoarseMap, places: CoarseMap) -> CoarseMap:
    """Return a coarse map's values (3, ...) at body places (3, ...), linear between nodes."""
    index = (places[::-1] - LOW_MM[::-1].reshape(3, *[1] * (places.ndim - 1))) / COARSE_MM
    return np.stack([ndimage.map_coordinates(each, index, order=1, mode="nearest") for each in coarse]).astype(
        np.float32
    )


@dataclass(frozen=True, eq=False)
class Fit:
    """Where the target's places lie in the donor."""

    to_donor: CoarseMap
    """Donor's body place of every node of the target's coarse grid."""

    residual_mm: float
    """Mean distance of the target's bone surfaces to the donor's, after the fit."""


@lru_cache(maxsize=32)
def register(target: Person, donor: Person) -> Fit:
    """Return the fit of a donor to a target by their bones."""
    key = hashlib.sha256(f"{target.digest} {donor.digest}".encode()).hexdigest()
    kept = recall(key)
    if kept is None:
        fit = _register(target, donor)
        keep(key, {"to_donor": fit.to_donor, "residual_mm": np.array(fit.residual_mm)})
        return fit
    return Fit(kept["to_donor"], float(kept["residual_mm"]))


def _register(target: Person, donor: Person) -> Fit:
    nodes = coarse_nodes()
    affine = _affine(target, donor)
    wanted = _channels(target, nodes)
    shift = np.zeros_like(nodes)
    for _ in range(_ITERATIONS):
        here = np.einsum("ij,jzyx->izyx", affine[:, :3], nodes + shift) + affine[:, 3].reshape(3, 1, 1, 1)
        shift = _smooth(shift + _force(wanted, _channels(donor, here)))
    places = np.einsum("ij,jzyx->izyx", affine[:, :3], nodes + shift) + affine[:, 3].reshape(3, 1, 1, 1)
    near = np.abs(wanted) < COARSE_MM
    residual = np.abs(_channels(donor, places.astype(np.float32)) - wanted)[near].mean()
    return Fit(places.astype(np.float32), float(residual))


def _affine(target: Person, donor: Person) -> Points:
    """Return 3x4 from the target's body to the donor's."""
    rng = np.random.default_rng(0)
    pairs = []
    for name in BONES:
        places = target.fields[name].inside()
        depth = target.fields[name].distance_mm(*places.astype(np.float32).T)
        surface = places[depth > -STEP_MM]
        count = min(_SURFACE_POINTS, len(surface))
        pairs.append((name, surface[rng.choice(len(surface), count, replace=False)].astype(np.float32)))

    def distances(parameters: Points) -> Points:
        matrix = parameters.reshape(3, 4)
        return np.concatenate(
            [
                donor.fields[name].distance_mm(*(points @ matrix[:, :3].T + matrix[:, 3]).astype(np.float32).T)
                for name, points in pairs
            ]
        ).astype(np.float64)

    start = np.hstack([np.eye(3), np.zeros((3, 1))]).ravel()
    scale = np.tile([0.01, 0.01, 0.01, 1.0], 3)
    found = optimize.least_squares(
        distances, start, loss="soft_l1", x_scale=scale, diff_step=np.full(12, 1e-3), max_nfev=30
    )
    return np.asarray(found.x).reshape(3, 4)


def _channels(person: Person, places: CoarseMap) -> npt.NDArray[np.float32]:
    return np.stack([person.fields[name].distance_mm(places[0], places[1], places[2]) for name in BONES])


def _force(wanted: npt.NDArray[np.float32], moved: npt.NDArray[np.float32]) -> CoarseMap:
    """Return the demons' step in mm: against the gradient of the moved image, weaker where the images differ much."""
    step = np.zeros((3, *wanted.shape[1:]), dtype=np.float32)
    for target, image in zip(wanted, moved, strict=True):
        gradient = np.stack(np.gradient(image, COARSE_MM)[::-1])
        difference = target - image
        step += gradient * difference / ((gradient**2).sum(axis=0) + (difference / COARSE_MM) ** 2 + 1e-3)
    return np.asarray(step / len(wanted), dtype=np.float32)


def _smooth(shift: CoarseMap) -> CoarseMap:
    return np.stack([ndimage.gaussian_filter(each, _SMOOTH_MM / COARSE_MM / 2) for each in shift]).astype(np.float32)
