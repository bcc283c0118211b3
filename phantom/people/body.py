"""The body of one patient made from people's maps: parts in painting order, vessels, borders of the stations."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from phantom.anatomy import Build, Part
from phantom.body import Body
from phantom.fields import Field
from phantom.look_alikes import draw_bowel
from phantom.people.composing import compose, draw_donors
from phantom.people.courses import draw_courses
from phantom.people.organs import behind_wall, draw_front_organs, draw_pelvic_floor, draw_rectum, symphysis
from phantom.people.places import BodyIncomplete, BodyPlaces, SidePlaces, find_places
from phantom.people.reading import AnatomyUnusable, Person, find_people, read_person
from phantom.shapes import Column, Tube
from phantom.stations import StationBounds

_NOMINAL_HALF_WIDTH_MM: Final = 88.0
"""Half of the distance of the femoral heads in the analytic body."""

_NOMINAL_PROMONTORY_MM: Final = 104.0
_ATTEMPTS: Final = 6

_MUSCLES: Final = (
    "gluteal", "thigh", "back", "abdominal_wall", "iliopsoas", "piriformis", "obturator_internus",
)  # fmt: skip


@lru_cache(maxsize=4)
def people_of(folder: Path, left_out: tuple[str, ...] = ()) -> tuple[Person, ...]:
    """Return the people of a folder but those left out, by name; raises `AnatomyUnusable` when none is left."""
    files = find_people(folder)
    unknown = sorted(set(left_out) - {file.name for file in files})
    if unknown:
        raise AnatomyUnusable(f"nobody is called {', '.join(unknown)}; there are {', '.join(f.name for f in files)}")
    kept = [file for file in files if file.name not in left_out]
    if not kept:
        raise AnatomyUnusable("everybody is left out")
    return tuple(read_person(file) for file in kept)


def draw_person_body(people: tuple[Person, ...], rng: np.random.Generator) -> Body:
    """Draw a patient from people's maps; raises `AnatomyUnusable` when no draw gives a body with all its places."""
    problem = ""
    for _ in range(_ATTEMPTS):
        try:
            return _draw(people, rng)
        except BodyIncomplete as incomplete:
            problem = str(incomplete)
        except ValueError as error:
            raise AnatomyUnusable(str(error)) from error
    raise AnatomyUnusable(f"no body could be composed of {len(people)} people: {problem}")


def _draw(people: tuple[Person, ...], rng: np.random.Generator) -> Body:
    donors = draw_donors(people, rng)
    fields = compose(donors, rng)
    places = find_places(fields)
    build = _build(places, rng)
    (left, of_left), (right, of_right) = (
        draw_courses(fields, places, side, rng) for side in (places.left, places.right)
    )
    sides = (left, right)
    parts = [
        *_fat(fields, build, rng),
        *draw_pelvic_floor(build, places, rng),
        *_bowel(fields, build, places, rng),
        *of_left,
        *of_right,
        *draw_rectum(build, places, rng),
        *draw_front_organs(fields, build, places, rng, female=bool(rng.random() < 0.5)),
        *_muscles(fields, rng),
        *_bones(fields, rng),
        symphysis(places, rng),
        *(part for side in sides for part in side.courses),
    ]
    return Body(build, _bounds(places.left), _bounds(places.right), sides, tuple(parts), donors.names)


def _build(places: BodyPlaces, rng: np.random.Generator) -> Build:
    wide = places.half_width_mm / _NOMINAL_HALF_WIDTH_MM
    tall = places.promontory_z / _NOMINAL_PROMONTORY_MM
    scale = (wide, 0.5 * (wide + tall), tall)
    return Build(scale, rng.uniform(0.55, 1.35), rng.uniform(-9, 9), rng.uniform(0.7, 1.3))


def _bounds(side: SidePlaces) -> StationBounds:
    """Return where the stations of a side end: canal, spine and wall as this body has them (FACTS, part 2)."""
    return StationBounds(
        canal_mm=float(side.canal[2]) - 4.0,
        inguinal_end_mm=-45.0,
        internal_end_mm=float(side.spine[2]) - 2.0,
        wall_mm=side.wall_mm + 9.0,
        front_mm=float(side.canal[1]) - 9.0,
        front_end_mm=float(side.canal[2]) + 14.0,
        back_mm=float(side.spine[1]) - 10.0,
    )


def _fat(fields: dict[str, Field], build: Build, rng: np.random.Generator) -> list[Part]:
    """Return skin, subcutaneous fat and the fat inside the pelvis."""
    outline = fields["outline"].grown(rng.uniform(-2.0, 9.0))
    deep = [(-300.0, 0.0, 6.0, 118.0, 84.0), (300.0, 0.0, 6.0, 118.0, 84.0)]
    inner = Column(np.array(deep) * (1, *build.scale[:2], *build.scale[:2]), 2.6)
    return [
        Part(outline, "subcutaneous_fat", signal=rng.uniform(0.25, 0.5)),
        Part(outline, "subcutaneous_fat", inset_mm=1.5),
        Part(inner, "pelvic_fat"),
    ]


def _bowel(fields: dict[str, Field], build: Build, places: BodyPlaces, rng: np.random.Generator) -> list[Part]:
    parts = [_behind(part, places) for part in draw_bowel(build, rng)]
    for name in ("small_bowel", "colon"):
        if name in fields and rng.random() < 0.7:
            shape = behind_wall(fields[name], places)
            content = float(rng.choice((0.03, 0.35, 0.7, 0.95)))
            inset_mm = rng.uniform(1.5, 2.8)
            parts += [Part(shape, "bowel_wall"), Part(shape, "bowel_content", signal=content, inset_mm=inset_mm)]
    return parts


def _behind(part: Part, places: BodyPlaces) -> Part:
    """Return a loop of bowel moved behind the abdominal wall."""
    if not isinstance(part.shape, Tube):
        return part
    points = part.shape.points.copy()
    points[:, 1] = np.maximum(points[:, 1], np.interp(points[:, 2], *places.front.T) + part.shape.radii_mm + 2)
    return replace(part, shape=Tube(points, part.shape.radii_mm))


def _muscles(fields: dict[str, Field], rng: np.random.Generator) -> list[Part]:
    """Return the muscle groups, each a little thicker or thinner and of its own signal."""
    tone = rng.uniform(0.09, 0.17)
    return [
        Part(fields[name].grown(rng.uniform(-0.3, 2.4)), "muscle", signal=tone * rng.uniform(0.85, 1.2))
        for name in _MUSCLES
        if name in fields
    ]


def _bones(fields: dict[str, Field], rng: np.random.Generator) -> list[Part]:
    """Return bones as cortical rim and marrow; the rim of the femoral head stands for cartilage, too."""
    parts = []
    for name in ("spine", "sacrum", "hip", "femur"):
        if name in fields:
            rim = rng.uniform(1.2, 2.2)
            parts.append(Part(fields[name].grown(0.6), "cortical_bone"))
            parts.append(Part(fields[name], "bone_marrow", inset_mm=rim - 0.6))
    return parts
