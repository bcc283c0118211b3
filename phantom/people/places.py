"""Places in a composed body that courses and borders are tied to: spine, canal, foramen, sacrum, vessels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import ndimage

from phantom.fields import STEP_MM, Field
from phantom.shapes import Points

_TRACK_MM: Final = 4.0
"""Distance of the sections that a vessel is followed through."""

_MUSCLES: Final = ("iliopsoas", "obturator_internus", "piriformis")
_BONES: Final = ("hip", "femur", "sacrum", "spine")
_LEAST_POINTS: Final = 20


class BodyIncomplete(RuntimeError):
    """A composed body lacks a place that its courses need; another draw may have it."""


@dataclass(frozen=True, eq=False)
class SidePlaces:
    """Places of one side, in body mm; u is the distance from the midline to that side."""

    sign: int
    """+1 on the patient's left, -1 on the right."""

    spine: Points
    """Tip of the ischial spine."""

    canal: Points
    """Inner mouth of the obturator canal."""

    piriformis_top: Points
    """Upper border of the piriformis where it leaves the pelvis."""

    piriformis_bottom: Points
    """Lower border of the piriformis there."""

    wall_mm: float
    """u of the pelvic wall beside the bladder: inner face of the hip bone."""

    artery: Points
    """(k, 4) x, y, z and radius of common and external iliac artery, from the groin upwards."""

    vein: Points
    """(k, 4) of the vein."""


@dataclass(frozen=True, eq=False)
class BodyPlaces:
    """Places of a body."""

    left: SidePlaces
    right: SidePlaces
    promontory_z: float
    """Height of the sacral promontory."""

    sacrum_front: Points
    """(k, 2) height and y of the front of sacrum and coccyx in the midline, from below."""

    symphysis: Points
    """(2, 3) upper and lower end of the pubic symphysis."""

    front: Points
    """(k, 2) height and y of the back of the abdominal wall near the midline, from below."""

    half_width_mm: float
    """Half of the distance of the femoral heads."""


def find_places(fields: Mapping[str, Field]) -> BodyPlaces:
    """Return the places of a composed body; raises `BodyIncomplete` when one of them is not there."""
    sacrum = fields["sacrum"].inside()
    front = _sacrum_front(sacrum)
    hip = fields["hip"].inside()
    heads = fields["femur"].inside()
    heads = heads[np.abs(heads[:, 2]) < 6]
    inner = [np.percentile(np.abs(heads[heads[:, 0] * sign > 0][:, 0]), 2) for sign in (1, -1)]
    return BodyPlaces(
        _side(fields, hip, 1),
        _side(fields, hip, -1),
        float(sacrum[np.abs(sacrum[:, 0]) < 12][:, 2].max()),
        front,
        _symphysis(hip),
        _wall_back(fields["abdominal_wall"].inside()),
        float(np.mean(inner)) + 24,
    )


def _side(fields: Mapping[str, Field], hip: Points, sign: int) -> SidePlaces:
    bone = hip[hip[:, 0] * sign > 0] * (sign, 1, 1)
    low = bone[(np.abs(bone[:, 2]) < 30) & (bone[:, 1] > 18)]
    spine = _need("ischial spine", low)[np.argsort(low[:, 0])[:8]].mean(axis=0)
    beside = bone[(bone[:, 2] > 0) & (bone[:, 2] < 40) & (np.abs(bone[:, 1] - 5) < 25)]
    wall = float(np.percentile(_need("pelvic wall", beside)[:, 0], 3))
    muscle = _own(fields, "obturator_internus", sign)
    inside = muscle[(muscle[:, 2] > -24) & (muscle[:, 2] < 2) & (muscle[:, 0] < wall + 8)]
    inside = _need("obturator internus", inside)
    canal = inside[inside[:, 1] <= np.percentile(inside[:, 1], 4)].mean(axis=0) + np.array([-1.0, 1.0, 3.0])
    piriformis = _own(fields, "piriformis", sign)
    exit_ = piriformis[np.abs(piriformis[:, 0] - (spine[0] + 6)) < 6]
    exit_ = _need("piriformis", exit_)
    top = np.array(
        [exit_[:, 0].mean(), exit_[exit_[:, 2] > np.percentile(exit_[:, 2], 85)][:, 1].mean(), exit_[:, 2].max()]
    )
    bottom = np.array([top[0], exit_[:, 1].mean(), exit_[:, 2].min()])
    side = "left" if sign > 0 else "right"
    return SidePlaces(
        sign,
        spine,
        canal,
        top,
        bottom,
        wall,
        _course(fields[f"artery_{side}"], sign),
        _course(fields[f"vein_{side}"], sign),
    )


def _own(fields: Mapping[str, Field], name: str, sign: int) -> Points:
    places = fields[name].inside()
    return _need(name.replace("_", " "), places[places[:, 0] * sign > 0]) * (sign, 1, 1)


def _need(what: str, places: Points) -> Points:
    if len(places) < _LEAST_POINTS:
        raise BodyIncomplete(f"a composed body has no {what}")
    return places


def _sacrum_front(sacrum: Points) -> Points:
    middle = sacrum[np.abs(sacrum[:, 0]) < 9]
    heights = np.arange(middle[:, 2].min(), middle[:, 2].max() - 6, 6.0)
    rows = []
    for height in heights:
        here = middle[np.abs(middle[:, 2] - height) < 4]
        if len(here):
            rows.append((height, float(np.percentile(here[:, 1], 4))))
    if len(rows) < 4:
        raise BodyIncomplete("a composed body has no sacrum in its midline")
    front = np.array(rows)
    front[:, 1] = ndimage.gaussian_filter1d(front[:, 1], 1.5, mode="nearest")
    return front


def _wall_back(wall: Points) -> Points:
    middle = wall[np.abs(wall[:, 0]) < 45]
    rows = []
    for height in np.arange(-20.0, 130.0, 10.0):
        here = middle[np.abs(middle[:, 2] - height) < 5]
        if len(here) > _LEAST_POINTS:
            rows.append((height, float(np.percentile(here[:, 1], 90))))
    if len(rows) < 2:
        raise BodyIncomplete("a composed body has no abdominal wall")
    return np.array(rows)


def _symphysis(hip: Points) -> Points:
    middle = hip[(np.abs(hip[:, 0]) < 12) & (hip[:, 1] < 20)]
    middle = _need("pubic symphysis", middle)
    low, high = np.percentile(middle[:, 2], (4, 96))
    y_low = middle[middle[:, 2] < low + 8][:, 1].mean()
    y_high = middle[middle[:, 2] > high - 8][:, 1].mean()
    return np.array([(0.0, y_high, high), (0.0, y_low, low)])


def _course(field: Field, sign: int) -> Points:
    """Return x, y, z and radius (k, 4) of a vessel followed upwards, on its own side (u instead of x)."""
    inside = field.tenths < 0
    step = round(_TRACK_MM / STEP_MM)
    rows: list[tuple[float, float, float, float]] = []
    for plane in range(0, inside.shape[0], step):
        parts, count = ndimage.label(inside[plane])
        if not count:
            continue
        centres = np.array(ndimage.center_of_mass(inside[plane], parts, range(1, count + 1)))
        areas = np.bincount(parts.ravel())[1:] * STEP_MM**2
        low = field.low_mm
        places = np.column_stack([sign * (centres[:, 1] * STEP_MM + low[0]), centres[:, 0] * STEP_MM + low[1]])
        score = areas if not rows else -np.linalg.norm(places - np.array(rows[-1][:2]), axis=1)
        best = int(np.argmax(score))
        if rows and score[best] < -16:
            continue
        rows.append((*places[best], plane * STEP_MM + low[2], float(np.sqrt(areas[best] / np.pi))))
    if len(rows) < 8:
        raise BodyIncomplete("a composed body has an iliac vessel that cannot be followed")
    course = np.array(rows)
    course[:, :2] = ndimage.gaussian_filter1d(course[:, :2], 1.2, axis=0, mode="nearest")
    course[:, 3] = ndimage.gaussian_filter1d(course[:, 3], 2.0, mode="nearest")
    return course


def solid_mm(fields: Mapping[str, Field], places: Points) -> Points:
    """Return the distance (k,) of body places (k, 3) to the wall's muscles and bones, negative inside."""
    x, y, z = places.astype(np.float32).T
    names = [name for name in (*_BONES, *_MUSCLES) if name in fields]
    return np.asarray(np.min([fields[name].distance_mm(x, y, z) for name in names], axis=0), dtype=np.float64)


def cleared(fields: Mapping[str, Field], places: Points, clear_mm: float, attract_mm: float | None = None) -> Points:
    """Return places moved along the wall's gradient until they are clear of it by so much.

    With `attract_mm`, those farther away than that are drawn towards the wall as well.
    """
    moved: Points = places.astype(np.float64)
    for _ in range(12):
        distance = solid_mm(fields, moved)
        steps = 1.5 * np.eye(3)
        slope = np.stack(
            [(solid_mm(fields, moved + step) - solid_mm(fields, moved - step)) / 3 for step in steps], axis=1
        )
        length = np.linalg.norm(slope, axis=1, keepdims=True)
        direction = slope / np.maximum(length, 0.3)
        push = np.maximum(clear_mm - distance, 0)
        if attract_mm is not None:
            push = np.where(distance > attract_mm, np.maximum(attract_mm - distance, -3.0), push)
        moved += 0.7 * push[:, None] * direction
    return np.asarray(moved, dtype=np.float64)
