"""What the maps do not hold of the middle of the pelvis: pelvic floor, rectum with tumour, bladder, genital organs."""

from collections.abc import Mapping

import numpy as np

from phantom.anatomy import Build, Part, column, draw_lobes
from phantom.fields import STEP_MM, Field
from phantom.people.places import BodyPlaces
from phantom.shapes import Blob, Points, Tube, smooth_course

_MAP_BLADDER = 0.5
"""Share of patients whose bladder is the donor's, filled anew, where a donor has one."""


def behind_wall(field: Field, body: BodyPlaces) -> Field:
    """Return what of a structure lies behind the abdominal wall of a body."""
    depth, rows, _ = field.tenths.shape
    z = field.low_mm[2] + STEP_MM * np.arange(depth)
    y = field.low_mm[1] + STEP_MM * np.arange(rows)
    before = np.interp(z, *body.front.T)[:, None] + 1.0 - y[None, :]
    return Field(
        np.maximum(field.tenths, np.clip(before * 10, -127, 127).astype(np.int8)[:, :, None]),
        field.low_mm,
        field.grown_mm,
    )


def draw_pelvic_floor(build: Build, body: BodyPlaces, rng: np.random.Generator) -> list[Part]:
    """Return levator ani as a funnel open to the front, sphincter, sacrospinous ligament and coccygeus."""
    y = 14 + rng.uniform(-4, 6)
    tone = rng.uniform(0.13, 0.28)
    funnel = column(
        build,
        [
            (-66, 0, y + 8, 11, 14),
            (-48, 0, y + 6, 15, 20),
            (-30, 0, y + 2, 21, 36),
            (-14, 0, y, 31, 46),
            (rng.uniform(-2, 8), 0, y + 2, 42, 52),
        ],
        exponent=2.3,
    )
    parts = [Part(funnel, "muscle", signal=tone), Part(funnel, "pelvic_fat", inset_mm=rng.uniform(1.6, 3.4))]
    perineum = np.array([(0.0, y - 8, -70.0), (0.0, y - 10, -46.0), (0.0, y - 10, -22.0)]) * build.scale
    sphincter = np.array([(0.0, y + 14, -74.0), (0.0, y + 16, -50.0), (0.0, y + 20, -24.0)]) * build.scale
    parts.append(Part(smooth_course(perineum, np.array([12.0, 12.0, 9.0])), "muscle", signal=rng.uniform(0.2, 0.4)))
    parts.append(Part(smooth_course(sphincter, np.array([15.0, 17.0, 14.0])), "muscle", signal=rng.uniform(0.15, 0.3)))
    heights, fronts = body.sacrum_front.T
    for side in (body.left, body.right):
        for z, drop, radius in ((4.0, 0.0, 2.2), (12.0, 4.0, 2.4), (20.0, 8.0, 2.4)):
            end = np.array([10.0, float(np.interp(side.spine[2] + z, heights, fronts)) + 4, side.spine[2] + z])
            course = np.array([side.spine, 0.5 * (side.spine + end) + np.array([0.0, 6.0, -drop / 2]), end])
            parts.append(Part(smooth_course(course * (side.sign, 1, 1), np.full(3, radius)), "muscle"))
    return parts


def draw_rectum(build: Build, body: BodyPlaces, rng: np.random.Generator) -> list[Part]:
    """Return mesorectum in its fascia, rectum with wall and content, and a tumour."""
    heights, fronts = body.sacrum_front.T
    swing, wide = build.rectum_shift_mm, rng.uniform(0.75, 1.3)
    radii = np.array([9, 10, 11, 15, 17, 15, 13, 12]) * wide
    levels = np.array([-66, -36, -6, 18, 42, 66, 92, 120]) * build.scale[2]
    y = np.interp(levels, heights, fronts) - radii - np.array([0, 0, 6, 7, 8, 9, 12, 22]) - rng.uniform(0, 6)
    y[:3] = np.array([26, 28, 34]) * build.scale[1] + rng.uniform(-3, 5)
    x = np.array([0, 0, 0, 0.4, 1.0, 0.2, -1.0, -1.6]) * swing * rng.uniform(0.6, 1.6)
    course = smooth_course(np.column_stack([x, y, levels]), radii)
    room = min(body.left.wall_mm, body.right.wall_mm) - 17
    knots = []
    for z, rx, ry in ((2, 15, 16), (18, 26, 24), (46, 30, 27), (74, 29, 24), (104, 27, 20)):
        front = float(np.interp(z, heights, fronts))
        knots.append((z, float(np.interp(z, levels, x)) * 0.5, front - ry - 3.0, min(rx * wide, room), ry))
    fascia = column(Build((1.0, 1.0, 1.0), 1.0, 0.0, 1.0), knots)
    parts = [Part(fascia, "fascia"), Part(fascia, "mesorectal_fat", inset_mm=0.8)]
    parts += [Part(_vessel_near(course, rng), "vessel", signal=rng.uniform(0.05, 0.6)) for _ in range(12)]
    content = rng.choice(("gas", "stool", "gel", "empty"), p=(0.25, 0.4, 0.1, 0.25))
    signal = {"gas": 0.03, "stool": rng.uniform(0.1, 0.5), "gel": rng.uniform(0.8, 1.1), "empty": 0.4}[str(content)]
    inset = rng.uniform(2.5, 5.0) if content != "empty" else 0.8 * float(radii.mean())
    parts += [Part(course, "rectum_wall"), Part(course, "rectum_lumen", signal=float(signal), inset_mm=float(inset))]
    return [*parts, Part(_tumour(course, build, rng), "tumour")]


def _tumour(course: Tube, build: Build, rng: np.random.Generator) -> Blob:
    height = float(rng.uniform(0, 70)) * build.scale[2]
    x, y, r = course.at_height(height)
    turn = rng.uniform(0, 2 * np.pi)
    centre = np.array([float(x) + 0.6 * float(r) * np.cos(turn), float(y) + 0.6 * float(r) * np.sin(turn), height])
    return Blob(centre, np.eye(3), rng.uniform((6, 5, 9), (12, 11, 22)), draw_lobes(rng, 4), 0.15)


def _vessel_near(course: Tube, rng: np.random.Generator) -> Tube:
    """Return a small vessel that runs along the rectum in its fat."""
    start = course.points[int(rng.integers(len(course.points)))]
    turn = rng.uniform(0, 2 * np.pi)
    centre = start + (float(course.radii_mm.mean()) + rng.uniform(2, 9)) * np.array([np.cos(turn), np.sin(turn), 0.0])
    steps = np.cumsum(rng.normal(0, (1.5, 1.5, 1.0), size=(4, 3)) + np.array([0.0, 0.0, 8.0]), axis=0)
    return smooth_course(centre + steps - steps.mean(axis=0), np.full(4, rng.uniform(0.6, 1.5)))


def draw_front_organs(
    fields: Mapping[str, Field], build: Build, body: BodyPlaces, rng: np.random.Generator, *, female: bool
) -> list[Part]:
    """Return the tissue around the bladder base, the genital organs and the bladder, in painting order."""
    genital = _female(build, rng) if female else _male(build, rng)
    room = (min(body.left.wall_mm, body.right.wall_mm) - 16) / build.scale[0]
    knots = [(-34, 0, 0, 20, 18), (-14, 0, 2, 34, 25), (10, 0, 6, 38, 26), (26, 0, 10, 26, 14)]
    around = column(build, [(z, x, y, min(wide, room), deep) for z, x, y, wide, deep in knots])
    # Plexus and ligaments beside bladder and prostate bound the stations, so they count as an organ.
    tissue = Part(around, "gland", signal=rng.uniform(0.5, 0.95), inset_mm=rng.uniform(-3, 5))
    return [tissue, *genital, *_bladder(fields, build, body, rng)]


def _bladder(fields: Mapping[str, Field], build: Build, body: BodyPlaces, rng: np.random.Generator) -> list[Part]:
    wall = rng.uniform(1.8, 5.5)
    if "bladder" in fields and rng.random() < _MAP_BLADDER:
        shape = behind_wall(fields["bladder"].grown(rng.uniform(-3.0, 5.0)), body)
        return [Part(shape, "bladder_wall"), Part(shape, "bladder", inset_mm=wall)]
    fill, tall = build.bladder, 20 + 50 * build.bladder
    x, flat = rng.uniform(-6, 6), rng.uniform(0.75, 1.1)
    y = (float(np.interp(24.0, *body.front.T)) + 64) * 0.7 / build.scale[1]
    knots = [
        (-8, x, y - 30, 7, 5),
        (2, x, y - 30, 20 * fill + 6, (14 * fill + 3) * flat),
        (0.3 * tall, x, y - 31, 33 * fill, 24 * fill * flat),
        (0.6 * tall, 1.2 * x, y - 34, 34 * fill, 25 * fill * flat),
        (0.85 * tall, x, y - 38, 25 * fill, 18 * fill * flat),
        (tall, x, y - 42, 7, 6),
    ]
    shape_ = column(build, knots, exponent=rng.uniform(2.0, 2.8), turn_deg=rng.uniform(-8, 8))
    return [Part(shape_, "bladder_wall"), Part(shape_, "bladder", inset_mm=wall)]


def _male(build: Build, rng: np.random.Generator) -> list[Part]:
    big = rng.uniform(0.8, 1.35)
    y = -4 + rng.uniform(-3, 4)
    top = 4 + 10 * (big - 1)
    gland = column(
        build,
        [(-38, 0, y, 9, 9), (-24, 0, y, 22 * big, 17 * big), (-8, 0, y, 25 * big, 18 * big), (top, 0, y, 15 * big, 10)],
    )
    inner = column(
        build, [(-26, 0, y - 4, 8, 7), (-10, 0, y - 4, 15 * big, 11 * big), (top + 2, 0, y - 3, 12 * big, 9)]
    )
    parts = [Part(gland, "gland", signal=rng.uniform(0.5, 0.95)), Part(inner, "gland")]
    for sign in (1, -1):
        for _ in range(4):
            centre = np.array([sign * rng.uniform(6, 22), 14 + rng.uniform(-3, 5), rng.uniform(6, 20)])
            walk = np.cumsum(rng.normal(0, (4.5, 2.0, 2.2), size=(5, 3)) + np.array([sign * 3.0, 0.6, 0.8]), axis=0)
            course = (centre + walk) * build.scale
            parts.append(Part(smooth_course(course, np.full(5, rng.uniform(1.8, 3.4))), "seminal_vesicle"))
    return parts


def _female(build: Build, rng: np.random.Generator) -> list[Part]:
    lean, side = rng.uniform(-0.5, 0.5), rng.uniform(-10, 10)
    cervix = np.array([0.3 * side, 8.0, 16.0])
    fundus = cervix + np.array([0.7 * side, -30 * np.sin(lean) - 6, 42 * np.cos(lean)])
    size = rng.uniform(0.75, 1.25)
    womb = smooth_course(
        np.array([cervix, 0.5 * (cervix + fundus), fundus]) * build.scale, np.array([12, 18, 22]) * size
    )
    cavity = Tube(womb.points, np.maximum(womb.radii_mm * 0.18, 1.0))
    vagina = smooth_course(np.array([cervix, (0, 8, -8), (0, 4, -40)]) * build.scale, np.array([9.0, 9.0, 8.0]))
    parts = [
        Part(vagina, "rectum_wall"),
        Part(vagina, "seminal_vesicle", inset_mm=6.5),
        Part(womb, "gland", signal=rng.uniform(0.3, 0.55)),
        Part(cavity, "seminal_vesicle", signal=rng.uniform(0.7, 1.0)),
    ]
    for sign in (1, -1):
        centre = np.array([sign * rng.uniform(26, 42), rng.uniform(-4, 24), rng.uniform(34, 60)]) * build.scale
        ovary = rng.uniform((8, 7, 9), (13, 11, 16))
        parts.append(
            Part(Blob(centre, np.eye(3), ovary, draw_lobes(rng, 3), 0.08), "gland", signal=rng.uniform(0.4, 0.6))
        )
        for _ in range(int(rng.integers(1, 6))):
            middle = centre + rng.uniform(-0.6, 0.6, size=3) * ovary
            follicle = Blob(middle, np.eye(3), np.full(3, rng.uniform(1.5, 4.5)), draw_lobes(rng, 2), 0.0)
            parts.append(Part(follicle, "seminal_vesicle", signal=rng.uniform(0.8, 1.15)))
    return parts


def symphysis(body: BodyPlaces, rng: np.random.Generator) -> Part:
    """Return the cartilage between the pubic bones."""
    (x0, y0, z0), (x1, y1, z1) = body.symphysis
    course: Points = np.array([(x0, y0, z0 - 2), (x1, y1, z1 + 2)])
    return Part(smooth_course(course, np.full(2, rng.uniform(2.0, 4.0))), "fascia", signal=rng.uniform(0.08, 0.3))
