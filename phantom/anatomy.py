"""The tissues of the phantom and the parts that are stacked into its pelvis: bones, muscles and organs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from phantom.fields import Field
from phantom.shapes import Blob, Column, Points, Tube, smooth_course

TISSUES: Final[dict[str, int]] = {
    "air": 0,
    "subcutaneous_fat": 1,
    "pelvic_fat": 2,
    "mesorectal_fat": 3,
    "muscle": 4,
    "cortical_bone": 5,
    "bone_marrow": 6,
    "bladder_wall": 7,
    "bladder": 8,
    "rectum_wall": 9,
    "rectum_lumen": 10,
    "tumour": 11,
    "gland": 12,
    "seminal_vesicle": 13,
    "bowel_wall": 14,
    "bowel_content": 15,
    "fascia": 16,
    "vessel": 17,
    "nerve": 18,
    "ureter": 19,
    "cord": 20,
    "look_alike": 21,
    "node": 22,
}
"""Tissue name -> value in `PhantomCase.tissues`."""

SIDEWALL_TISSUES: Final = ("pelvic_fat", "subcutaneous_fat", "vessel", "nerve", "ureter", "cord", "look_alike", "node")
"""What may lie inside a station: fat and the small structures in it, never muscle, bone or an organ."""

Shape = Column | Tube | Blob | Field


@dataclass(frozen=True, eq=False)
class Part:
    """One piece of anatomy, painted over what was there before."""

    shape: Shape
    """Where it lies in the body frame."""

    tissue: str
    """Key of `TISSUES`."""

    signal: float | None = None
    """Own signal relative to fat; None takes the signal of the tissue."""

    inset_mm: float = 0.0
    """Paint only what lies deeper than this below the surface (negative: grown by as much)."""


@dataclass(frozen=True)
class Build:
    """How a patient departs from the nominal body: scales about the body's origin and a few degrees of freedom."""

    scale: tuple[float, float, float]
    """Factors along x, y, z."""

    bladder: float
    """Filling: factor of the bladder's radii."""

    rectum_shift_mm: float
    """How far the rectum swings to the left at mid height."""

    fat: float
    """Factor of the thickness of the subcutaneous fat."""


def draw_build(rng: np.random.Generator) -> Build:
    """Draw a patient's build."""
    size = rng.uniform(0.93, 1.07)
    scale = (size * rng.uniform(0.96, 1.04), size * rng.uniform(0.95, 1.06), size * rng.uniform(0.95, 1.05))
    return Build(scale, rng.uniform(0.7, 1.25), rng.uniform(-7, 7), rng.uniform(0.7, 1.3))


def column(build: Build, knots: Sequence[tuple[float, ...]], *, exponent: float = 2.0, turn_deg: float = 0.0) -> Column:
    """Return a column of nominal knots (z, x, y, radius x, radius y) in a patient's own size."""
    sx, sy, sz = build.scale
    return Column(np.array(knots, dtype=np.float64) * (sz, sx, sy, sx, sy), exponent, turn_deg)


def build_frame(build: Build) -> list[Part]:
    """Return skin, fat and the bones and muscles of both sides, in painting order."""
    depth = 78.0
    skin = depth + 26 * build.fat
    parts = [
        Part(column(build, [(-300, 0, 8, 190, skin), (300, 0, 8, 190, skin)], exponent=4.0), "subcutaneous_fat"),
        Part(column(build, [(-300, 0, 8, 130, depth + 8), (300, 0, 8, 130, depth + 8)], exponent=2.6), "pelvic_fat"),
    ]
    for side in (1, -1):
        parts += _muscles(build, side)
    for side in (1, -1):
        parts += _bones(build, side)
    for side in (1, -1):
        parts += _deep_muscles(build, side)
    return parts + _sacrum(build)


def build_organs(build: Build, rng: np.random.Generator) -> list[Part]:
    """Return bladder, gland, mesorectum and rectum with its tumour, in painting order."""
    return [*_front_organs(build, rng), *_rectum(build, rng)]


def _muscles(build: Build, s: int) -> list[Part]:
    rectus = [(-45, 12 * s, -64, 12, 5), (-10, 24 * s, -71, 24, 7), (150, 31 * s, -75, 31, 7.5)]
    psoas = [
        (-60, 98 * s, -34, 20, 20),
        (0, 100 * s, -40, 19, 17),
        (40, 86 * s, -30, 20, 17),
        (80, 70 * s, -14, 19, 17),
        (130, 52 * s, 8, 20, 20),
    ]
    lateral = [(-150, 132 * s, 5, 26, 62), (150, 134 * s, 5, 24, 66)]
    gluteus = [(-150, 74 * s, 84, 48, 22), (120, 76 * s, 90, 44, 17), (170, 78 * s, 92, 40, 12)]
    hip = [
        (-150, 112 * s, 0, 62, 50),
        (-30, 112 * s, 4, 62, 52),
        (0, 114 * s, 6, 61, 56),
        (40, 118 * s, 10, 59, 58),
        (80, 124 * s, 12, 56, 58),
        (150, 126 * s, 14, 54, 60),
    ]
    thigh = [
        (-150, 56 * s, -16, 42, 34),
        (-45, 54 * s, -20, 38, 26),
        (-24, 50 * s, -28, 28, 15),
        (-10, 50 * s, -32, 16, 8),
    ]
    wall = [(0, 112 * s, -66, 44, 3), (30, 104 * s, -70, 50, 4), (150, 104 * s, -72, 52, 6)]
    quadratus = [(-150, 92 * s, 40, 30, 16), (-20, 88 * s, 46, 22, 10), (0, 86 * s, 48, 16, 6)]
    return [
        Part(column(build, hip, exponent=4.0), "muscle"),
        Part(column(build, wall, turn_deg=8.0 * s), "muscle"),
        Part(column(build, rectus, exponent=3.0), "muscle"),
        Part(column(build, psoas), "muscle"),
        Part(column(build, lateral, exponent=4.0), "muscle"),
        Part(column(build, gluteus, turn_deg=-14.0 * s), "muscle"),
        Part(column(build, thigh, turn_deg=24.0 * s), "muscle"),
        Part(column(build, quadratus), "muscle"),
    ]


def _bones(build: Build, s: int) -> list[Part]:
    acetabulum = [(-34, 72 * s, 14, 14, 20), (-14, 82 * s, 4, 28, 34), (20, 84 * s, 2, 31, 33), (42, 86 * s, 6, 27, 32)]
    ilium = [(34, 88 * s, 6, 24, 34), (60, 90 * s, 14, 15, 40), (90, 96 * s, 20, 11, 44), (150, 102 * s, 24, 8, 46)]
    ischium = [(-90, 60 * s, 30, 12, 13), (-40, 64 * s, 28, 13, 18), (-12, 66 * s, 30, 14, 14)]
    ramus = [(-34, 36 * s, -40, 22, 7), (-22, 40 * s, -38, 28, 10), (-8, 50 * s, -34, 20, 8)]
    pubis = [(-58, 15 * s, -40, 11, 13), (-38, 15 * s, -46, 13.5, 15), (-20, 17 * s, -48, 13, 9)]
    heights = np.linspace(-23, 23, 11)
    radii = np.sqrt(np.maximum(24.0**2 - heights**2, 4.0))
    head = column(build, [(z, 88 * s, 0, r, r) for z, r in zip(heights, radii, strict=True)])
    neck = column(build, [(-60, 118 * s, 10, 17, 19), (-18, 112 * s, 8, 16, 14), (8, 104 * s, 4, 14, 12)])
    shapes = (
        column(build, ilium, turn_deg=16.0 * s),
        column(build, acetabulum, exponent=2.6, turn_deg=8.0 * s),
        column(build, ischium, exponent=2.6),
        column(build, ramus, turn_deg=22.0 * s),
        column(build, pubis),
    )
    return [
        *(Part(shape, "cortical_bone") for shape in shapes),
        *(Part(shape, "bone_marrow", inset_mm=1.6) for shape in shapes),
        Part(head, "cortical_bone", inset_mm=-1.8),
        Part(neck, "bone_marrow"),
        Part(head, "bone_marrow"),
    ]


def _deep_muscles(build: Build, s: int) -> list[Part]:
    obturator = [
        (-46, 47 * s, 8, 7, 24),
        (-20, 48 * s, 8, 8.5, 26),
        (0, 51 * s, 10, 8, 28),
        (30, 57 * s, 14, 5.5, 26),
        (48, 61 * s, 14, 3.5, 20),
        (58, 64 * s, 14, 2, 12),
    ]
    piriformis = [(22, 60 * s, 60, 20, 6), (36, 54 * s, 64, 30, 9), (62, 48 * s, 66, 30, 10), (78, 42 * s, 66, 18, 6)]
    levator = [(-60, 9 * s, 28, 11, 20), (-25, 14 * s, 28, 12, 26), (-6, 22 * s, 34, 7, 22)]
    return [
        Part(column(build, obturator, turn_deg=6.0 * s), "muscle"),
        Part(column(build, piriformis, turn_deg=-10.0 * s), "muscle"),
        Part(column(build, levator), "muscle"),
    ]


def _sacrum(build: Build) -> list[Part]:
    sacrum = [(28, 0, 82, 14, 8), (50, 0, 82, 26, 11), (90, 0, 70, 44, 17), (170, 0, 52, 56, 24)]
    coccyx = [(-2, 0, 66, 5, 4), (16, 0, 74, 9, 6), (30, 0, 80, 12, 7)]
    parts = []
    for knots in (sacrum, coccyx):
        shape = column(build, knots)
        parts += [Part(shape, "cortical_bone"), Part(shape, "bone_marrow", inset_mm=1.4)]
    return parts


def _front_organs(build: Build, rng: np.random.Generator) -> list[Part]:
    fill, tall = build.bladder, 26 + 44 * build.bladder
    x = rng.uniform(-4, 4)
    bladder = column(
        build,
        [
            (-6, x, -30, 7, 5),
            (4, x, -30, 22 * fill + 4, 15 * fill + 3),
            (0.45 * tall, x, -34, 31 * fill, 25 * fill),
            (0.82 * tall, x, -36, 26 * fill, 20 * fill),
            (tall, x, -38, 8, 7),
        ],
        exponent=2.6,
    )
    gland = column(build, [(-38, 0, -8, 9, 9), (-22, 0, -6, 22, 18), (-8, 0, -8, 24, 17), (4, 0, -8, 14, 9)])
    vesicles = column(build, [(2, 0, 11, 16, 4), (8, 0, 12, 27, 6), (18, 0, 12, 30, 5), (24, 0, 12, 14, 3)])
    wall = rng.uniform(2.2, 5.5)
    return [
        Part(gland, "gland"),
        Part(bladder, "bladder_wall"),
        Part(bladder, "bladder", inset_mm=wall),
        Part(vesicles, "seminal_vesicle"),
    ]


def _rectum(build: Build, rng: np.random.Generator) -> list[Part]:
    b, wide = build.rectum_shift_mm, rng.uniform(0.8, 1.15)
    fascia = column(
        build,
        [
            (2, 0, 38, 12, 14),
            (16, 0, 42, 24, 22),
            (50, 0.4 * b, 46, 27, 25),
            (85, 0.6 * b, 40, 27, 24),
            (130, 0.6 * b, 26, 28, 22),
        ],
    )
    course = smooth_course(
        np.array(
            [(0, 22, -60), (0, 28, -32), (0, 34, -8), (0.5 * b, 42, 18), (b, 48, 48), (0.3 * b, 42, 80), (-b, 26, 130)]
        )
        * build.scale,
        np.array([10, 11, 12, 15, 16, 14, 13]) * wide,
    )
    gas = rng.random() < 0.4
    lumen = Part(course, "rectum_lumen", signal=0.03 if gas else rng.uniform(0.3, 0.6), inset_mm=rng.uniform(4, 7))
    height = float(rng.uniform(0, 60))
    x, y, r = course.at_height(height)
    turn = rng.uniform(0, 2 * np.pi)
    centre = np.array([float(x) + 0.6 * float(r) * np.cos(turn), float(y) + 0.6 * float(r) * np.sin(turn), height])
    size = np.array([rng.uniform(7, 11), rng.uniform(6, 10), rng.uniform(10, 20)])
    tumour = Blob(centre, np.eye(3), size, draw_lobes(rng, 4), 0.15)
    return [
        Part(fascia, "fascia"),
        Part(fascia, "mesorectal_fat", inset_mm=0.9),
        Part(course, "rectum_wall"),
        lumen,
        Part(tumour, "tumour"),
    ]


def draw_lobes(rng: np.random.Generator, count: int, *, wave: float = 4.0) -> Points:
    """Return random wave vectors and phases (count, 4) of a blob's margin."""
    vectors = rng.normal(size=(count, 3))
    vectors *= wave * rng.uniform(0.8, 1.25, size=(count, 1)) / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.column_stack([vectors, rng.uniform(0, 2 * np.pi, size=count)])
