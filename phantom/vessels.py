"""Iliac arteries and veins, nerves and ureters of one side, with the variation of their courses."""

from dataclasses import dataclass

import numpy as np

from phantom.anatomy import Build, Part
from phantom.shapes import Points, Tube, smooth_course


@dataclass(frozen=True, eq=False)
class SideVessels:
    """What bounds the stations of one side, and everything that runs there."""

    sign: int
    """+1 on the patient's left, -1 on the right."""

    external_artery: Tube
    """External iliac and femoral artery."""

    external_vein: Tube
    """External iliac and femoral vein, behind and medial to the artery."""

    internal_trunk: Tube
    """Internal iliac main trunk and its anterior division."""

    courses: tuple[Part, ...]
    """All vessels, nerves and the ureter in painting order."""


def draw_side(sign: int, build: Build, rng: np.random.Generator) -> SideVessels:
    """Draw the courses of one side."""
    fork = np.array([rng.uniform(34, 42), rng.uniform(14, 30), rng.uniform(84, 114)])
    external_shift = np.array([rng.uniform(-5, 4), rng.uniform(-14, 13)])
    internal_shift = np.array([rng.uniform(-5, 4), rng.uniform(-14, 10)])
    artery = _external(fork, external_shift, rng)
    trunk = _internal(fork, internal_shift, rng)
    vein_side = np.array([rng.uniform(-6, -3), rng.uniform(7, 10), -2.0])
    vein_low = np.array([rng.uniform(-12, -9), rng.uniform(0, 4), 0.0])
    blend = np.clip((artery[:, 2:] - 0) / 60, 0, 1)
    vein = artery + blend * vein_side + (1 - blend) * vein_low
    radius = rng.uniform(3.4, 4.6)
    external_artery = _tube(artery, radius, sign, build)
    external_vein = _tube(vein, radius * rng.uniform(1.1, 1.45), sign, build)
    internal = _tube(trunk, np.linspace(1.0, 0.6, len(trunk)) * radius * 0.95, sign, build)
    parts = [
        Part(external_vein, "vessel", signal=_slow_flow(rng, 0.25)),
        Part(external_artery, "vessel"),
        Part(internal, "vessel"),
    ]
    parts += _branches(trunk, sign, build, rng)
    parts += _common(fork, sign, build, rng)
    parts += _nerves_and_ureter(trunk, sign, build, rng)
    return SideVessels(sign, external_artery, external_vein, internal, tuple(parts))


def _external(fork: Points, shift: Points, rng: np.random.Generator) -> Points:
    nominal = np.array(
        [(46, 0, 82), (51, -14, 62), (58, -28, 42), (66, -41, 20), (75, -51, 0), (80, -55, -28), (82, -56, -80)],
        dtype=np.float64,
    )
    weight = np.array([0.7, 1, 1, 1, 0.7, 0.3, 0.2])[:, None]
    jitter = rng.normal(0, 2.0, size=(len(nominal), 2))
    nominal[:, :2] += weight * (shift + jitter)
    return np.vstack([fork, nominal[nominal[:, 2] < fork[2] - 4]])


def _internal(fork: Points, shift: Points, rng: np.random.Generator) -> Points:
    nominal = np.array(
        [(40, 34, 80), (42, 41, 64), (43, 41, 48), (43, 34, 32), (39, 27, 16), (34, 22, 4)], dtype=np.float64
    )
    nominal[:, :2] += shift + rng.normal(0, 2.0, size=(len(nominal), 2))
    return np.vstack([fork, nominal[nominal[:, 2] < fork[2] - 4]])


def _branches(trunk: Points, sign: int, build: Build, rng: np.random.Generator) -> list[Part]:
    """Return obturator, gluteal, pudendal and vesical vessels, artery beside vein, and the internal iliac vein."""
    start, middle, low = trunk[-5], trunk[-4], trunk[-3]
    wall = rng.uniform(-2, 2, size=3)
    obturator = np.array([low, (47, 18, 20), (46, 0, 4), (43, -16, -10), (41, -27, -24), (46, -36, -45)]) + wall
    superior = np.array([start, (46, 54, 60), (58, 64, 54), (76, 66, 50)]) + wall
    inferior = np.array([middle, (45, 52, 34), (50, 58, 16), (56, 54, 2), (52, 46, -18), (50, 42, -50)]) + wall
    vesical = np.array([low, (34, 18, 22), (28, 6, 14), (24, -6, 6)]) + wall
    parts = []
    for course, radius in ((obturator, 1.5), (superior, 2.2), (inferior, 1.9), (vesical, 1.3)):
        size = radius * rng.uniform(0.8, 1.25)
        beside = course + rng.uniform(2.2, 3.6) * _unit(rng)
        parts.append(Part(_tube(beside, size * 1.25, sign, build), "vessel", signal=_slow_flow(rng, 0.45)))
        parts.append(Part(_tube(course, size, sign, build), "vessel"))
    vein = trunk + np.array([rng.uniform(-4, 2), rng.uniform(5, 8), -3])
    parts.append(Part(_tube(vein, rng.uniform(2.8, 4.4), sign, build), "vessel", signal=_slow_flow(rng, 0.4)))
    return parts


def _common(fork: Points, sign: int, build: Build, rng: np.random.Generator) -> list[Part]:
    artery = np.array([fork + np.array([-24, -12, 55]), fork + np.array([-10, -5, 24]), fork])
    vein = artery + np.array([2, 11, 0])
    return [
        Part(_tube(vein, rng.uniform(5, 6.5), sign, build), "vessel"),
        Part(_tube(artery, rng.uniform(4, 5), sign, build), "vessel"),
    ]


def _nerves_and_ureter(trunk: Points, sign: int, build: Build, rng: np.random.Generator) -> list[Part]:
    """Return sciatic and obturator nerve, ureter and spermatic cord (or round ligament)."""
    shift = rng.uniform(-2, 2, size=3)
    sciatic = np.array([(34, 54, 84), (44, 58, 64), (54, 62, 40), (64, 58, 14), (72, 54, -10), (74, 54, -60)]) + shift
    obturator = (
        np.array([(44, 24, 100), (50, 18, 74), (53, 10, 46), (50, 0, 20), (46, -14, -4), (42, -26, -24)]) + shift
    )
    x, y = trunk[1, 0] - rng.uniform(4, 9), trunk[1, 1] - rng.uniform(4, 10)
    ureter = np.array(
        [(x - 2, y - 4, 120), (x, y, 88), (x + 2, y + 4, 60), (x - 2, y - 4, 34), (24, 10, 14), (12, -8, 4)]
    )
    cord = np.array([(60, -50, 40), (52, -64, 22), (40, -76, 2), (28, -80, -22), (20, -80, -60)]) + shift
    sciatic_radius = rng.uniform(3.2, 4.6)
    parts = [Part(_tube(sciatic + np.array([0, k, 0]), sciatic_radius, sign, build), "nerve") for k in (-3.0, 3.0)]
    parts.append(Part(_tube(obturator, rng.uniform(1.3, 2.2), sign, build), "nerve"))
    parts.append(Part(_tube(ureter, rng.uniform(1.6, 3.0), sign, build), "ureter"))
    parts.append(Part(_tube(cord, rng.uniform(2.5, 6.0), sign, build), "cord"))
    return parts


def _tube(points: Points, radii: float | Points, sign: int, build: Build) -> Tube:
    scaled = points * build.scale * (sign, 1, 1)
    return smooth_course(scaled, np.broadcast_to(np.asarray(radii, dtype=np.float64), (len(points),)), step_mm=8.0)


def _slow_flow(rng: np.random.Generator, share: float) -> float | None:
    """Return the signal of a vein whose blood moves too slowly for a void, or None for a void."""
    return float(rng.uniform(0.2, 0.5)) if rng.random() < share else None


def _unit(rng: np.random.Generator) -> Points:
    turn = rng.uniform(0, 2 * np.pi)
    return np.array([np.cos(turn), np.sin(turn), 0.0])
