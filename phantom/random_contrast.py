"""Images of fully random contrast, so that a model learns shapes and places and not the signals of one sequence.

The idea is SynthSeg's (Billot et al., Med Image Anal 2023;86:102789): every tissue gets any signal; here each also
gets a random sub-class and texture, and the nodes stay visible against the fat that holds them.
"""

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from phantom.anatomy import TISSUES
from phantom.nodes import PlannedNode
from phantom.sequence import mottle
from phantom.shapes import Array

_FATS: Final = ("subcutaneous_fat", "pelvic_fat", "mesorectal_fat")
_LEAST_DIFFERENCE: Final = 0.18
"""Between nodes and pelvic fat, relative to the range of signals: less could not be seen."""


def draw_random_signals(rng: np.random.Generator) -> dict[str, float]:
    """Draw any signal for every tissue, 0.02 to 1.1; the kinds of fat stay alike, and air dark."""
    signals = {name: float(rng.uniform(0.02, 1.1)) for name in TISSUES}
    for name in _FATS:
        signals[name] = float(np.clip(signals["pelvic_fat"] + rng.normal(0, 0.05), 0.02, 1.15))
    signals["air"] = 0.0
    return signals


def add_random_texture(
    signal: Array, tissues: npt.NDArray[np.uint8], in_plane_mm: float, rng: np.random.Generator
) -> None:
    """Mottle every tissue in place by a random strength and give part of it another signal (its sub-class)."""
    count = len(TISSUES)
    coarse, fine = (rng.uniform(0, top, size=count).astype(np.float32) for top in (0.15, 0.15))
    threshold = rng.uniform(-0.5, 2.0, size=count).astype(np.float32)
    other = np.where(rng.random(count) < 0.4, rng.uniform(-0.4, 0.4, size=count), 0).astype(np.float32)
    wide = mottle(signal.shape, rng.uniform(4, 10) / in_plane_mm, rng)
    change = 1 + coarse[tissues] * wide + other[tissues] * (wide > threshold[tissues])
    change += fine[tissues] * mottle(signal.shape, rng.uniform(1.5, 3.5) / in_plane_mm, rng)
    np.multiply(signal, np.maximum(change, np.float32(0.1)), out=signal)


def with_random_signal(
    nodes: tuple[PlannedNode, ...], signal: Array, tissues: npt.NDArray[np.uint8], rng: np.random.Generator
) -> tuple[PlannedNode, ...]:
    """Return the nodes with one random signal, apart from that of the fat of this image, each varied a little."""
    fat = signal[tissues == TISSUES["pelvic_fat"]]
    around = float(np.median(fat)) if fat.size else 1.0
    chosen = rng.uniform(0.05, 1.1)
    while abs(chosen - around) < _LEAST_DIFFERENCE:
        chosen = rng.uniform(0.05, 1.1)
    return tuple(replace(node, signal=float(chosen * rng.uniform(0.9, 1.1))) for node in nodes)
