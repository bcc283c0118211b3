"""A new patient from several people: bones of one, what its map lacks from others, all of it bent at random."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import ndimage

from phantom.fields import LOW_MM, REACH_MM, SIZE, STEP_MM, Field, field_of_distances
from phantom.people.reading import VESSELS, Person
from phantom.people.registration import COARSE_MM, COARSE_SIZE, CoarseMap, coarse_nodes, look_up, register
from phantom.shapes import Array

_BEND_MM: Final = 3.5
"""Standard deviation of the random displacement along each axis."""

_BEND_LENGTH_MM: Final = 32.0
"""Standard deviation of the Gaussian that smooths it: about the size of an organ."""

_SCALE: Final = (0.92, 1.08)
"""Range of the size as a whole; each axis departs by another 4 %."""

_INNERMOST_MM: Final = 27.0
"""The obturator internus comes no closer to the midline."""

_FROM_MUSCLE_DONOR: Final = ("obturator_internus", "piriformis", "thigh", "abdominal_wall", "outline")
_FROM_VESSEL_DONOR: Final = (*VESSELS, "bladder", "prostate", "colon", "small_bowel")


@dataclass(frozen=True, eq=False)
class Donors:
    """Whose structures a patient has."""

    target: Person
    """Bones, and all that its map holds."""

    muscles: Person
    """Deep muscles, abdominal wall and outline, where the target's map has none."""

    vessels: Person
    """Iliac vessels and organs, where the target's map has none."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all that gave something."""
        return tuple(dict.fromkeys((self.target.name, self.muscles.name, self.vessels.name)))


def draw_donors(people: Sequence[Person], rng: np.random.Generator) -> Donors:
    """Draw whose bones, muscles and vessels a patient has; raises `ValueError` without a giver of each."""
    muscles = [person for person in people if person.gives_deep_muscles]
    vessels = [person for person in people if person.gives_vessels]
    if not muscles or not vessels:
        raise ValueError(
            f"bodies need one map with obturator internus, piriformis and outline (found {len(muscles)}) and one with "
            f"iliac arteries and veins of both sides (found {len(vessels)})"
        )
    target = people[int(rng.integers(len(people)))]
    muscle = target if target.gives_deep_muscles else muscles[int(rng.integers(len(muscles)))]
    vessel = target if target.gives_vessels else vessels[int(rng.integers(len(vessels)))]
    return Donors(target, muscle, vessel)


def compose(donors: Donors, rng: np.random.Generator) -> dict[str, Field]:
    """Return the fields of a new patient: every donor's structures on the target's bones, bent by one random map."""
    bent = draw_bend(rng)
    fields = _moved(donors.target.fields, bent)
    for donor, names in ((donors.muscles, _FROM_MUSCLE_DONOR), (donors.vessels, _FROM_VESSEL_DONOR)):
        wanted = {name: donor.fields[name] for name in names if name in donor.fields and name not in fields}
        if wanted:
            fields |= _moved(wanted, look_up(register(donors.target, donor).to_donor, bent))
    return fields | {"obturator_internus": _obturator_internus(fields, rng)}


def _obturator_internus(fields: Mapping[str, Field], rng: np.random.Generator) -> Field:
    """Return the muscle with what the map misses of it: it lines the inner face of the hip bone about its canal.

    The maps have it in parts (drawn on CT); on T2-weighted series it is a sheet of 6 to 9 mm above the femoral heads
    and up to 18 mm below them, from the bone of the obturator foramen to the sciatic foramina.
    """
    z, y, x = (np.arange(n, dtype=np.float32) * STEP_MM + low for n, low in zip(SIZE, LOW_MM[::-1], strict=True))
    rows, columns = np.abs(y - 8) < 62, np.abs(x) < 90
    levels = (z > -62) & (z < 62)
    z, y, x = z[levels][:, None, None], y[rows][None, :, None], x[columns][None, None, :]
    tall, thick, low = rng.uniform(36, 52), rng.uniform(5.5, 9.0), rng.uniform(4.0, 9.0)
    depth = thick * np.clip((tall - z) / 14, 0, 1) * np.clip((z + 52) / 16, 0, 1)
    depth = depth + low * np.exp(-(((z + 12) / 16) ** 2))
    depth = depth * np.clip((y + 26) / 12, 0, 1) * np.clip((52 - y + 0.3 * z) / 14, 0, 1)
    bone = fields["hip"].distance_mm(x, y, z)
    hip_u = _inner_face(fields["hip"], z, y, x)
    sheet = np.maximum(bone - depth, np.maximum(np.abs(x) - hip_u, _INNERMOST_MM - np.abs(x)))
    given = fields["obturator_internus"].distance_mm(x, y, z)
    low_mm = LOW_MM + STEP_MM * np.array([int(np.argmax(part)) for part in (columns, rows, levels)])
    return field_of_distances(ndimage.gaussian_filter(np.minimum(sheet, given), 0.8), low_mm)


def _inner_face(hip: Field, z: Array, y: Array, x: Array) -> Array:
    """Return u, a little behind the bone's inner face, beyond which nothing counts as inside the pelvis."""
    inside = hip.distance_mm(x, y, z) < 0
    u = np.where(inside, np.abs(x), np.inf)
    faces = []
    for half in (x.ravel() < 0, x.ravel() >= 0):
        face = u[:, :, half].min(axis=2)
        there = np.isfinite(face)
        face = np.where(there, face, np.median(face[there]) if there.any() else 0.0)
        faces.append(ndimage.gaussian_filter(face, 1.5) + 6.0)
    left = (x >= 0) & np.ones_like(u, dtype=np.bool_)
    return np.where(left, faces[1][:, :, None], faces[0][:, :, None]).astype(np.float32)


def draw_bend(rng: np.random.Generator) -> CoarseMap:
    """Return a random smooth map of the body: where in the person each node of the new patient comes from."""
    nodes = coarse_nodes()
    size = rng.uniform(*_SCALE) * rng.uniform(0.96, 1.04, size=3)
    shift = rng.standard_normal((3, *COARSE_SIZE))
    for axis in range(3):
        smooth = ndimage.gaussian_filter(shift[axis], _BEND_LENGTH_MM / COARSE_MM)
        shift[axis] = smooth * rng.uniform(0.5, 1.3) * _BEND_MM / smooth.std()
    return np.asarray(nodes / size.reshape(3, 1, 1, 1) + shift, dtype=np.float32)


def _moved(fields: Mapping[str, Field], places: CoarseMap) -> dict[str, Field]:
    """Return fields brought to the places (3, coarse z, y, x) that say where each node comes from."""
    return {name: moved for name, field in fields.items() if (moved := _move(field, places)) is not None}


def _move(field: Field, places: CoarseMap) -> Field | None:
    near = field.distance_mm(places[0], places[1], places[2]) < REACH_MM - 0.5
    if not near.any():
        return None
    first, last = [], []
    for axis in range(3):
        hit = np.flatnonzero(near.any(axis=tuple(other for other in range(3) if other != axis)))
        first.append(max(int(hit[0]) - 1, 0))
        last.append(min(int(hit[-1]) + 1, COARSE_SIZE[axis] - 1))
    part = places[:, first[0] : last[0] + 1, first[1] : last[1] + 1, first[2] : last[2] + 1]
    ratio = round(COARSE_MM / STEP_MM)
    shape = [min((b - a) * ratio + 1, whole - a * ratio) for a, b, whole in zip(first, last, SIZE, strict=True)]
    fine = [
        ndimage.affine_transform(each, np.full(3, 1 / ratio), output_shape=tuple(shape), order=1, output=np.float32)
        for each in part
    ]
    low = LOW_MM + np.array(first[::-1]) * COARSE_MM
    return field_of_distances(field.distance_mm(fine[0], fine[1], fine[2]), low)
