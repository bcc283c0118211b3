"""Things that look like nodes and are none: slow-flow vessel loops, bowel, mesorectal nodes and specks in other fat."""

import numpy as np

from phantom.anatomy import Build, Part, draw_lobes
from phantom.nodes import PlannedNode
from phantom.shapes import Blob, Points, Tube, smooth_course

PER_NODE = 3
"""Look-alikes per lateral node, at least."""


def draw_bowel(build: Build, rng: np.random.Generator) -> list[Part]:
    """Return loops of bowel above and in front."""
    parts = []
    for _ in range(int(rng.integers(5, 10))):
        start = np.array([rng.uniform(-34, 34), rng.uniform(-52, 2), rng.uniform(56, 115)])
        walk = np.cumsum(rng.normal(0, (16, 10, 7), size=(4, 3)), axis=0)
        course = np.vstack([start, start + walk]) * build.scale
        course[:, 0] = np.clip(course[:, 0], -38, 38)
        course[:, 1] = np.clip(course[:, 1], -58, 12)
        course[:, 2] = np.clip(course[:, 2], 52, 150)
        tube = smooth_course(course, np.full(5, rng.uniform(7, 13)))
        parts.append(Part(tube, "bowel_wall"))
        parts.append(Part(tube, "bowel_content", signal=rng.choice((0.03, 0.5, 0.9)), inset_mm=rng.uniform(1.5, 3.0)))
    return parts


def draw_look_alikes(
    wanted: int,
    sidewall: Points,
    elsewhere: Points,
    mesorectal: Points,
    nodes: tuple[PlannedNode, ...],
    rng: np.random.Generator,
) -> tuple[Part, ...]:
    """Return that many look-alikes, from free body points (k, 3) of the sidewall, other fat and the mesorectum.

    All stay clear of the nodes, so that a node's margin is its own.
    """
    parts: list[Part] = []
    for number in range(50 * wanted):
        if len(parts) == wanted:
            break
        kind = ("loop", "loop", "elsewhere", "mesorectal", "speck")[number % 5]
        points = {"loop": sidewall, "elsewhere": elsewhere, "mesorectal": mesorectal, "speck": elsewhere}[kind]
        if not len(points):
            continue
        centre = points[int(rng.integers(len(points)))]
        shape = _loop(centre, rng) if kind in ("loop", "elsewhere") else _speck(centre, rng)
        if _clear(shape, nodes):
            parts.append(Part(shape, "look_alike", signal=rng.uniform(0.24, 0.52)))
    return tuple(parts)


def _loop(centre: Points, rng: np.random.Generator) -> Tube:
    """Return a short winding vessel that runs mostly along the body, far longer than it is wide."""
    radius = rng.uniform(1.4, 3.8)
    heights = np.linspace(-1, 1, 6) * rng.uniform(9, 20) + 3 * radius * np.array([-1, -0.6, -0.2, 0.2, 0.6, 1])
    drift = rng.normal(0, 0.35, size=2)
    bends = np.cumsum(rng.normal(0, 1.6, size=(6, 2)), axis=0)
    bends -= bends[2:4].mean(axis=0)
    course = np.column_stack([bends + heights[:, None] * drift, heights]) + centre
    return smooth_course(course, radius * rng.uniform(0.75, 1.1, size=6), step_mm=5.0)


def _speck(centre: Points, rng: np.random.Generator) -> Blob:
    half = rng.uniform(1.6, 4.5)
    semi_axes = half * np.array([1.0, rng.uniform(1.0, 1.6), rng.uniform(0.8, 1.5)])
    turn = rng.uniform(0, np.pi)
    axes = np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    return Blob(centre, axes, semi_axes, draw_lobes(rng, 3), rng.uniform(0, 0.25))


def _clear(shape: Tube | Blob, nodes: tuple[PlannedNode, ...]) -> bool:
    if not nodes:
        return True
    centres = np.array([node.blob.centre for node in nodes])
    reach = np.array([node.blob.reach_mm() for node in nodes])
    x, y, z = centres.astype(np.float32).T
    return bool((shape.distance_mm(x, y, z) > reach + 0.8).all())
