"""From the node posterior to single nodes: connected components, touching nodes parted, specks left out."""

from typing import Final

import cc3d
import edt
import numpy as np
import numpy.typing as npt

from core.volume import Volume

_NECK_RATIO: Final = 0.5
"""Touching bodies are parted where their bridge is narrower than this share of the component's largest depth."""

_MIN_CORE_SHARE: Final = 0.15
"""Smallest core, relative to the largest of its component, that becomes a node of its own."""

BoolArray = npt.NDArray[np.bool_]
InstanceArray = npt.NDArray[np.uint16]
Box = tuple[slice, slice, slice]


def node_components(
    posterior: npt.NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
    threshold: float,
    min_volume_mm3: float,
) -> InstanceArray:
    """Return an instance map (z, y, x) of the nodes, 0 elsewhere; ids have no particular order.

    posterior: float32 (z, y, x), 0..1. Voxels at or above the threshold that share a face form a component; a
    component whose depth falls into separate cores is parted between them; what is smaller than the minimum goes.
    """
    components = cc3d.connected_components(posterior >= threshold, connectivity=6)
    instances = np.zeros(posterior.shape, dtype=np.uint16)
    min_voxels = min_volume_mm3 / float(np.prod(spacing_mm))
    count = 0
    sizes = np.bincount(components.reshape(-1))
    for index, box in enumerate(component_boxes(components), start=1):
        if sizes[index] < min_voxels:
            continue
        for part in _parts(components[box] == index, spacing_mm):
            if np.count_nonzero(part) >= min_voxels:
                count += 1
                instances[box][part] = count
    return instances


def component_boxes(components: npt.NDArray[np.integer]) -> list[Box]:
    """Return the bounding box (slices z, y, x) of every component 1..n of a label map."""
    if not components.any():
        return []
    boxes: list[Box] = cc3d.statistics(components)["bounding_boxes"][1:]
    return boxes


def grow(box: Box, margin: int, shape: tuple[int, ...]) -> Box:
    """Return a box widened by a margin of voxels on every side, inside the array's shape."""
    z, y, x = (
        slice(max(0, part.start - margin), min(size, part.stop + margin)) for part, size in zip(box, shape, strict=True)
    )
    return z, y, x


def cut_out(volume: Volume, box: Box) -> Volume:
    """Return the part of a volume inside a box, with its place in the patient; voxels are a view."""
    x, y, z = volume.index_to_lps_mm([part.start for part in box])
    return Volume(volume.voxels[box], volume.spacing_mm, (float(x), float(y), float(z)), volume.direction)


def with_neighbours(mask: BoolArray) -> BoolArray:
    """Return a mask (z, y, x) with the face neighbours of its voxels."""
    grown = mask.copy()
    for axis in range(3):
        ahead, behind = [slice(None)] * 3, [slice(None)] * 3
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        grown[tuple(ahead)] |= mask[tuple(behind)]
        grown[tuple(behind)] |= mask[tuple(ahead)]
    return grown


def edge_voxels(shape: tuple[int, ...]) -> BoolArray:
    """Return where a body may go on beyond the image (z, y, x): the outermost voxels."""
    edge = np.ones(shape, dtype=np.bool_)
    edge[tuple(slice(1, -1) for _ in shape)] = False
    return edge


def _parts(body: BoolArray, spacing_mm: tuple[float, float, float]) -> list[BoolArray]:
    """Return the bodies that a component consists of: itself, or its parts around separate cores."""
    depth_mm = _depth_mm(body, spacing_mm)
    cores = cc3d.connected_components(depth_mm > _NECK_RATIO * depth_mm.max(), connectivity=26)
    sizes = np.bincount(cores.reshape(-1))[1:]
    kept = [index for index, size in enumerate(sizes, start=1) if size >= _MIN_CORE_SHARE * sizes.max()]
    if len(kept) < 2:
        return [body]
    distances = np.stack([edt.edt(np.ascontiguousarray(cores != core), anisotropy=spacing_mm) for core in kept])
    nearest = np.argmin(distances, axis=0)
    return [body & (nearest == position) for position in range(len(kept))]


def _depth_mm(body: BoolArray, spacing_mm: tuple[float, float, float]) -> npt.NDArray[np.float32]:
    """Return the in-plane distance to the border: slices are too far apart for depth across them to tell a neck."""
    padded = np.pad(body, ((0, 0), (1, 1), (1, 1)))
    depth = [edt.edt(np.ascontiguousarray(plane), anisotropy=spacing_mm[1:]) for plane in padded]
    return np.asarray(np.stack(depth)[:, 1:-1, 1:-1], dtype=np.float32)
