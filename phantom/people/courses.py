"""Vessels, nerves and ureter of one side of a composed body, as splines tied to its own places.

The external iliac vessels follow the label map's; the map ends where the internal iliac begins, so its tree is laid by
anatomy: superior gluteal above the piriformis, inferior gluteal and pudendal below it, obturator vessels and nerve
along the muscle to the canal. Every point keeps clear of the wall's muscles and bones.
"""

from collections.abc import Mapping

import numpy as np

from phantom.anatomy import Part
from phantom.fields import Field
from phantom.people.places import BodyPlaces, SidePlaces, cleared
from phantom.shapes import Points, Tube, smooth_course
from phantom.vessels import SideVessels

_STEP_MM = 5.0


def draw_courses(
    fields: Mapping[str, Field], body: BodyPlaces, side: SidePlaces, rng: np.random.Generator
) -> tuple[SideVessels, list[Part]]:
    """Draw all courses of one side, and the small vessels that organs cover."""
    lay = _Layer(fields, side, rng)
    fork_z = body.promontory_z - rng.uniform(8, 34)
    artery = _below(side.artery, fork_z)
    fork = artery[-1, :3]
    vein = _below(side.vein, fork_z - rng.uniform(0, 12))
    size = rng.uniform(0.85, 1.15)
    external_artery = lay.given(artery, size)
    external_vein = lay.given(vein, size * rng.uniform(0.85, 1.05))
    trunk = _trunk(body, side, fork, rng)
    radius = float(np.clip(artery[-3:, 3].mean() * size, 2.6, 4.6))
    internal = lay.tube(trunk, np.linspace(0.9, 0.5, len(trunk)) * radius, clear=2.0)
    parts = [
        Part(external_vein, "vessel", signal=_flow(rng, 0.25)),
        Part(external_artery, "vessel"),
        Part(
            lay.tube(_off(trunk, -1.5, 5.0, -3.0), np.linspace(1.1, 0.7, len(trunk)) * radius, 2.0),
            "vessel",
            _flow(rng, 0.4),
        ),
        Part(internal, "vessel"),
    ]
    parts += _common(lay, side, fork, rng)
    branches, small = _branches(lay, side, trunk, rng)
    parts += branches
    parts += _nerves(lay, body, side, rng)
    parts += _ureter_and_cord(lay, side, trunk, rng)
    return SideVessels(side.sign, external_artery, external_vein, internal, tuple(parts)), small


class _Layer:
    """Lays tubes on one side of a body."""

    def __init__(self, fields: Mapping[str, Field], side: SidePlaces, rng: np.random.Generator) -> None:
        self.fields, self.side, self.rng = fields, side, rng

    def tube(self, points: Points, radii: float | Points, clear: float = 1.0, hug: float | None = None) -> Tube:
        """Return a tube through points (k, 3) in (u, y, z), kept clear of the wall, or along it when `hug` says so."""
        radii = np.broadcast_to(np.asarray(radii, dtype=np.float64), (len(points),))
        rough = smooth_course(points, radii, step_mm=12.0)
        places = rough.points * (self.side.sign, 1, 1)
        reach = float(radii.mean()) + clear
        places = cleared(self.fields, places, reach, None if hug is None else reach + hug)
        return smooth_course(places, rough.radii_mm, step_mm=_STEP_MM)

    def given(self, course: Points, size: float) -> Tube:
        """Return the tube of a vessel of the label map (k, 4), lengthened towards the groin."""
        low = course[0]
        groin = np.array([_off(low, 4.0, -2.0, -60.0, 0.0), _off(low, 2.0, -2.0, -25.0, 0.0)])
        whole = np.vstack([groin, course])
        radii = np.clip(whole[:, 3] * size, 2.8, 7.5)
        thin = np.unique(np.append(np.arange(0, len(whole), 3), len(whole) - 1))
        points = whole[thin, :3] * (self.side.sign, 1, 1) + self.rng.normal(0, 0.6, size=(len(thin), 3))
        return smooth_course(points, radii[thin], step_mm=_STEP_MM)


def _below(course: Points, height: float) -> Points:
    kept = course[course[:, 2] < height]
    return kept if len(kept) >= 6 else course[: max(6, len(kept))]


def _trunk(body: BodyPlaces, side: SidePlaces, fork: Points, rng: np.random.Generator) -> Points:
    """Return the internal iliac trunk and its anterior division, down to the ischial spine, in (u, y, z)."""
    spine, top = side.spine, side.piriformis_top
    shift = np.array([rng.uniform(-4, 3), rng.uniform(-5, 5), 0.0])
    gate = np.array([top[0] - 12, top[1] - 12, top[2] + 4]) + shift
    way = [fork, _off(fork + 0.5 * (gate - fork), -2.0, 2.0, 0.0), gate]
    way += [
        _off(spine, -8.0, -11.0, 24.0) + shift,
        _off(spine, -9.0, -9.0, 10.0) + 0.6 * shift,
        _off(spine, -9.0, -8.0, -2.0),
    ]
    points = np.array(way) + rng.normal(0, 1.2, size=(len(way), 3)) * np.array([[0], [1], [1], [1], [1], [1]])
    keep = [0]
    for number in range(1, len(points)):
        if points[number, 2] < points[keep[-1], 2] - 5:  # the course must run down without turning back
            keep.append(number)
    return np.asarray(points[keep])


def _common(lay: _Layer, side: SidePlaces, fork: Points, rng: np.random.Generator) -> list[Part]:
    parts = []
    for course in (side.vein, side.artery):
        above = course[course[:, 2] > fork[2] - 6]
        if len(above) >= 3:
            thin = np.unique(np.append(np.arange(0, len(above), 3), len(above) - 1))
            radii = np.clip(above[thin, 3], 3.5, 8.0)
            parts.append(Part(smooth_course(above[thin, :3] * (side.sign, 1, 1), radii), "vessel"))
    return parts


def _branches(lay: _Layer, side: SidePlaces, trunk: Points, rng: np.random.Generator) -> tuple[list[Part], list[Part]]:
    spine, canal, top, bottom = side.spine, side.canal, side.piriformis_top, side.piriformis_bottom
    start, middle, low = trunk[min(1, len(trunk) - 1)], trunk[-3], trunk[-2]
    beyond = _off(canal, 9.0, -12.0, -10.0)
    wall = 0.5 * (middle + canal)
    obturator = np.array([middle, _off(wall, 6.0, 2.0, 4.0), _off(canal, 0.0, 9.0, 6.0), canal, beyond])
    superior = np.array([start, _off(top, -10.0, -6.0, 10.0), _off(top, 0.0, 0.0, 6.0), _off(top, 16.0, 6.0, 8.0)])
    inferior = np.array(
        [middle, _off(spine, -4.0, 4.0, 12.0), _off(bottom, 2.0, 8.0, -4.0), _off(bottom, 8.0, 12.0, -30.0)]
    )
    pudendal = np.array(
        [low, _off(spine, 0.0, 8.0, 4.0), _off(spine, 2.0, 2.0, -16.0), _off(spine, -2.0, -22.0, -34.0)]
    )
    vesical = np.array(
        [low, _off(low, -6.0, -10.0, -2.0), _off(low, -10.0, -22.0, -4.0), _off(low, -14.0, -34.0, -4.0)]
    )
    rectal = np.array([low, _off(low, -8.0, 2.0, -10.0), _off(low, -14.0, 4.0, -20.0)])
    kinds: tuple[tuple[Points, float, float | None], ...] = (
        (obturator, 1.3, 1.5),
        (superior, 2.2, None),
        (inferior, 1.9, None),
        (pudendal, 1.4, None),
        (vesical, 1.2, None),
        (rectal, 1.0, None),
    )
    parts: list[Part] = []
    small: list[Part] = []
    for course, radius, hug in kinds:
        size = radius * rng.uniform(0.75, 1.25)
        turn = rng.uniform(0, 2 * np.pi)
        beside = course + rng.uniform(2.4, 3.8) * np.array([np.cos(turn), np.sin(turn), 0.0])
        into = small if course is vesical or course is rectal else parts
        into.append(Part(lay.tube(beside, size * 1.3, 0.3, hug), "vessel", signal=_flow(rng, 0.5)))
        into.append(Part(lay.tube(course, size, 0.3, hug), "vessel"))
    return parts, small + _plexus(lay, low, rng)


def _plexus(lay: _Layer, low: Points, rng: np.random.Generator) -> list[Part]:
    """Return winding veins beside bladder base, vesicles and rectum, dark, grey or bright by their flow."""
    parts = []
    for _ in range(int(rng.integers(8, 16))):
        centre = low + rng.uniform((-14, -34, -34), (2, 14, 14))
        course = centre + np.cumsum(rng.normal(0, (2.5, 5.0, 5.0), size=(5, 3)), axis=0)
        parts.append(Part(lay.tube(course, rng.uniform(0.8, 1.9), 0.3), "vessel", signal=_flow(rng, 0.7)))
    return parts


def _nerves(lay: _Layer, body: BodyPlaces, side: SidePlaces, rng: np.random.Generator) -> list[Part]:
    """Return obturator nerve, lumbosacral trunk and sacral roots with the sciatic nerve."""
    canal, spine, bottom, high = side.canal, side.spine, side.piriformis_bottom, body.promontory_z
    heights, fronts = body.sacrum_front.T
    obturator = np.array(
        [(side.wall_mm - 14, 6.0, high + 4), (side.wall_mm - 8, 4.0, high - 34), _off(canal, 3.0, 16.0, 20.0), canal]
    ) + rng.normal(0, 1.5, size=(4, 3))
    parts = [Part(lay.tube(obturator, rng.uniform(1.1, 1.9), 0.4, 3.0), "nerve")]
    gate = _off(bottom, 0.0, 0.0, 6.0)
    for level in (4.0, 26.0, 46.0, 62.0):
        z = high - level
        root = np.array([24 - 0.16 * level, float(np.interp(z, heights, fronts)) + 2, z])
        course = np.array([root, _off(0.5 * (root + gate), 2.0, -6.0, 0.0), gate, _off(gate, 8.0, 10.0, -14.0)])
        parts.append(Part(lay.tube(course, rng.uniform(1.8, 2.8), 0.2), "nerve"))
    sciatic = np.array(
        [gate, _off(spine, 12.0, 16.0, 0.0), _off(spine, 24.0, 14.0, -30.0), _off(spine, 34.0, 10.0, -80.0)]
    )
    return [*parts, *(Part(lay.tube(_off(sciatic, k, 0, 0), rng.uniform(2.6, 3.8), 0.0), "nerve") for k in (-2.5, 2.5))]


def _ureter_and_cord(lay: _Layer, side: SidePlaces, trunk: Points, rng: np.random.Generator) -> list[Part]:
    fork, spine = trunk[0], side.spine
    ureter = np.array(
        [
            _off(fork, -6, -6, 40),
            _off(fork, -4, -5, 0),
            _off(trunk[-3], -6, -7, 0),
            _off(spine, -14, -20, 10),
            _off(spine, -26, -36, -2),
        ]
    )
    low = side.artery[0, :3]
    cord = np.array([_off(low, -16, 2, 34), _off(low, -24, -8, 14), _off(low, -38, -14, -10), _off(low, -50, -14, -44)])
    shift = rng.normal(0, 1.5, size=3)
    return [
        Part(lay.tube(ureter + shift, rng.uniform(1.4, 2.6), 1.0), "ureter"),
        Part(smooth_course((cord + shift) * (side.sign, 1, 1), np.full(4, rng.uniform(2.5, 6.0))), "cord"),
    ]


def _off(place: Points, *by_mm: float) -> Points:
    """Return places (..., 3) moved by so many mm along u, y and z."""
    return np.asarray(place + np.array(by_mm))


def _flow(rng: np.random.Generator, share: float) -> float | None:
    """Return the signal of blood that moves too slowly for a void, for that share of vessels; None for a void."""
    return float(rng.uniform(0.2, 0.75)) if rng.random() < share else None
