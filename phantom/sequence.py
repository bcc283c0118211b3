"""The scanner: how a case is acquired, and what coil, motion and noise make of its signal."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from phantom.anatomy import TISSUES
from phantom.grid import ImageGrid, Pose
from phantom.hospitals import ANYWHERE, Hospital, hospital_of
from phantom.shapes import Array
from phantom.truth import Acquisition, PhantomOptions

SIGNAL_RANGES: dict[str, tuple[float, float]] = {
    "air": (0.0, 0.0),
    "subcutaneous_fat": (0.95, 1.1),
    "pelvic_fat": (1.0, 1.0),
    "mesorectal_fat": (0.88, 1.0),
    "muscle": (0.09, 0.16),
    "cortical_bone": (0.03, 0.07),
    "bone_marrow": (0.45, 0.85),
    "bladder_wall": (0.15, 0.21),
    "bladder": (0.85, 1.22),
    "rectum_wall": (0.27, 0.37),
    "rectum_lumen": (0.3, 0.6),
    "tumour": (0.36, 0.55),
    "gland": (0.3, 0.5),
    "seminal_vesicle": (0.5, 0.85),
    "bowel_wall": (0.25, 0.36),
    "bowel_content": (0.4, 0.9),
    "fascia": (0.4, 0.6),
    "vessel": (0.03, 0.09),
    "nerve": (0.2, 0.42),
    "ureter": (0.22, 0.75),
    "cord": (0.25, 0.55),
    "look_alike": (0.25, 0.5),
    "node": (0.3, 0.5),
}
"""Signal relative to pelvic fat, measured on real axial T2 series (benchmarks: contrast table)."""

TEXTURE: dict[str, tuple[float, float]] = {
    "bone_marrow": (0.13, 0.10),
    "muscle": (0.12, 0.16),
    "gland": (0.28, 0.12),
    "seminal_vesicle": (0.2, 0.28),
    "tumour": (0.12, 0.10),
    "rectum_wall": (0.10, 0.12),
    "rectum_lumen": (0.20, 0.15),
    "bowel_content": (0.15, 0.12),
    "nerve": (0.05, 0.22),
    "cord": (0.10, 0.30),
    "pelvic_fat": (0.035, 0.045),
    "mesorectal_fat": (0.05, 0.07),
    "subcutaneous_fat": (0.05, 0.04),
    "bladder": (0.02, 0.01),
}
"""Relative strength of coarse (about 7 mm) and fine (about 2.5 mm) mottle."""

SEPTA: dict[str, float] = {"pelvic_fat": 0.28, "mesorectal_fat": 0.4, "subcutaneous_fat": 0.2, "muscle": -2.2}
"""Relative depth of the thin strands: dark in fat, bright (fatty) in muscle."""


def scanner_of(options: PhantomOptions) -> Hospital:
    """Return the settings that a case is acquired with: the hospital's, or any that there are."""
    return ANYWHERE if options.coverage == "any" and options.hospital is None else hospital_of(options.hospital)


def draw_acquisition(options: PhantomOptions, rng: np.random.Generator) -> tuple[Acquisition, ImageGrid]:
    """Draw scanner, sequence, coverage and where the patient lies."""
    hospital = scanner_of(options)
    matrix = int(rng.choice(hospital.matrices))
    finest, coarsest = hospital.pixel_limits_mm
    field = float(np.clip(rng.uniform(*hospital.field_mm), finest * matrix, coarsest * matrix))
    in_plane = round(field / matrix, 4)
    distance = round(float(rng.uniform(*hospital.slice_distance_mm)), 2)
    gap = round(distance * float(rng.choice(hospital.gap_shares)), 2)
    count = int(np.clip(round(rng.uniform(112, 150) / distance), 24, 36))
    truncated = bool(rng.random() < 0.2) if options.truncated is None else options.truncated
    roll, tilt = float(np.clip(rng.normal(0, 4), -10, 10)), float(rng.uniform(-12, 20))
    shift = rng.uniform(-40, 40, size=2)
    pose = Pose((float(shift[0]), float(shift[1]), float(rng.uniform(-60, 60))), roll)
    height = 29 + rng.uniform(-8, 8) + (rng.choice((-1, 1)) * rng.uniform(28, 42) if truncated else 0.0)
    centre = pose.to_lps_mm(np.array([rng.uniform(-10, 10), 2 + rng.uniform(-8, 10), height]))
    acquisition = Acquisition(
        spacing_mm=(distance, in_plane, in_plane),
        slice_thickness_mm=round(distance - gap, 2),
        gap_mm=gap,
        tilt_deg=tilt,
        roll_deg=roll,
        echo_time_ms=float(round(rng.uniform(*hospital.echo_time_ms))),
        repetition_time_ms=float(round(rng.uniform(*hospital.repetition_time_ms))),
        echo_train_length=int(rng.integers(12, 28)),
        flip_angle_deg=float(rng.choice((120, 140, 150, 160))),
        field_strength_t=float(rng.choice(hospital.field_strengths_t)),
        manufacturer=(maker := hospital.makers[int(rng.integers(len(hospital.makers)))])[0],
        model_name=maker[1],
        noise_sd=float(rng.uniform(*hospital.noise_sd)),
        ghost_amplitude=_draw_ghost_amplitude(options, rng),
        phase_axis="row" if rng.random() < 0.6 else "column",
        truncated=truncated,
    )
    lps = (float(centre[0]), float(centre[1]), float(centre[2]))
    grid = ImageGrid((count, matrix, matrix), acquisition.spacing_mm, acquisition.slice_thickness_mm, lps, tilt, pose)
    return _anywhere(acquisition, grid, rng) if options.coverage == "any" else (acquisition, grid)


def _anywhere(acquisition: Acquisition, grid: ImageGrid, rng: np.random.Generator) -> tuple[Acquisition, ImageGrid]:
    """Return the same scan put anywhere over the pelvis: short or long, tilted either way, off the middle."""
    count = int(np.clip(round(rng.uniform(54, 160) / grid.spacing_mm[0]), 16, 40))
    tilt = float(rng.uniform(-15, 35))
    x, y, z = grid.pose.to_lps_mm(rng.uniform((-25, -22, -4), (25, 22, 72)))
    centre = (float(x), float(y), float(z))
    return (
        replace(acquisition, tilt_deg=tilt),
        replace(grid, shape=(count, *grid.shape[1:]), centre_lps_mm=centre, tilt_deg=tilt),
    )


def _draw_ghost_amplitude(options: PhantomOptions, rng: np.random.Generator) -> float:
    """Draw whether there are ghosts and how strong; both are drawn when forced, so that nothing else changes."""
    drawn, amplitude = bool(rng.choice((0.0, 1.0), p=(0.3, 0.7))), float(rng.uniform(0.01, 0.06))
    return amplitude if (drawn if options.ghosts is None else options.ghosts) else 0.0


def draw_signals(rng: np.random.Generator) -> dict[str, float]:
    """Draw the signal of every tissue of a case, relative to pelvic fat."""
    return {name: float(rng.uniform(low, high)) for name, (low, high) in SIGNAL_RANGES.items()}


def add_texture(signal: Array, tissues: npt.NDArray[np.uint8], in_plane_mm: float, rng: np.random.Generator) -> None:
    """Mottle the tissues in place and run thin strands through the fat."""
    coarse, fine = np.zeros(len(TISSUES), np.float32), np.zeros(len(TISSUES), np.float32)
    septa = np.zeros(len(TISSUES), np.float32)
    for name, (a, b) in TEXTURE.items():
        coarse[TISSUES[name]], fine[TISSUES[name]] = a, b
    for name, depth in SEPTA.items():
        septa[TISSUES[name]] = depth
    wide = mottle(signal.shape, 7.0 / in_plane_mm, rng)
    change = 1 + coarse[tissues] * wide
    change += fine[tissues] * mottle(signal.shape, 2.5 / in_plane_mm, rng)
    strands = mottle(signal.shape, 9.0 / in_plane_mm, rng)
    change *= 1 - septa[tissues] * np.exp(-((strands / np.float32(0.07)) ** 2)) * (wide > 0)
    np.multiply(signal, np.maximum(change, np.float32(0.1)), out=signal)


def form_image(
    signal: Array, acquisition: Acquisition, hospital: Hospital, rng: np.random.Generator
) -> npt.NDArray[np.uint16]:
    """Return the uint16 magnitude image: contrast, coil shading, ghosts, blur, Rician noise and scanner units."""
    image = _contrast(signal, hospital, rng) * _shading(signal.shape, hospital.shading, rng)
    image = _ghost(image, acquisition, rng)
    blur = rng.uniform(*hospital.blur_px)
    for plane in image:
        ndimage.gaussian_filter(plane, blur, output=plane, truncate=3.0)
    noise = np.float32(acquisition.noise_sd)
    real = image + noise * rng.standard_normal(image.shape, dtype=np.float32)
    imaginary = noise * rng.standard_normal(image.shape, dtype=np.float32)
    magnitude = np.sqrt(real * real + imaginary * imaginary)
    scale = np.float32(rng.uniform(250, 900))
    return np.asarray(np.minimum(np.rint(magnitude * scale), 4095), dtype=np.uint16)


def mottle(shape: tuple[int, ...], scale: float, rng: np.random.Generator) -> Array:
    """Return unit-variance noise, smooth within each slice over about `scale` pixels."""
    rows, columns = (int(np.ceil(n / scale)) + 4 for n in shape[1:])
    field = rng.standard_normal((shape[0], rows, columns), dtype=np.float32)
    for axis in (1, 2):
        field = _upsample(field, shape[axis], scale, axis)
    return np.asarray(field / np.float32(field.std(dtype=np.float64)), dtype=np.float32)


def _upsample(coarse: Array, count: int, scale: float, axis: int) -> Array:
    """Return a cubic B-spline with these knots along one axis, sampled `count` times; no BLAS, so that bytes repeat."""
    position = np.arange(count) / scale
    knot = position.astype(np.intp)
    t = (position - knot).astype(np.float32)
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    along = (1, -1, 1) if axis == 1 else (1, 1, -1)
    total = np.take(coarse, knot, axis) * weights[0].reshape(along)
    for tap in (1, 2, 3):
        total += np.take(coarse, knot + tap, axis) * weights[tap].reshape(along)
    return np.asarray(total, dtype=np.float32)


def _contrast(signal: Array, hospital: Hospital, rng: np.random.Generator) -> Array:
    """Return the signal with the hospital's contrast; nothing is drawn where it is fixed."""
    low, high = hospital.contrast_exponent
    exponent = np.float32(rng.uniform(low, high)) if low < high else np.float32(low)
    return signal if exponent == 1 else np.asarray(np.maximum(signal, np.float32(0)) ** exponent, dtype=np.float32)


def _shading(shape: tuple[int, ...], strength: float, rng: np.random.Generator) -> Array:
    """Return a smooth coil profile around 1: brighter near the surface, tilted at random."""
    z, y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
    surface, bow = rng.uniform(0.0, 0.45), rng.uniform(-0.12, 0.12)
    lean = rng.uniform(-0.12, 0.12, size=3).astype(np.float32)
    front = rng.uniform(0.0, 0.25)
    log = (
        np.float32(surface) * (y**2)[None, :, None] ** 1.5
        + np.float32(bow) * (x**2)[None, None, :]
        - np.float32(front) * y[None, :, None] * np.abs(y[None, :, None])
        + lean[0] * z[:, None, None]
        + lean[1] * y[None, :, None]
        + lean[2] * x[None, None, :]
    )
    return np.asarray(np.exp(np.float32(strength) * log), dtype=np.float32)


def _ghost(image: Array, acquisition: Acquisition, rng: np.random.Generator) -> Array:
    """Add faint copies of the moving front wall along the phase axis, stronger in some slices."""
    period = int(rng.integers(image.shape[1] // 9, image.shape[1] // 4))
    strength = np.asarray(acquisition.ghost_amplitude * rng.uniform(0.3, 1.7, size=image.shape[0]), dtype=np.float32)
    axis = 2 if acquisition.phase_axis == "row" else 1
    moving = image * (np.linspace(1.2, 0.0, image.shape[1], dtype=np.float32) ** 2)[None, :, None]
    copies = np.roll(moving, period, axis) - np.roll(moving, -period, axis) + 0.6 * np.roll(moving, 2 * period, axis)
    return np.asarray(image + strength[:, None, None] * copies, dtype=np.float32)
