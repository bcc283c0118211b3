"""How far an image may go before nothing is said about it: limits chosen on training images, kept in the bundle."""

from dataclasses import dataclass, field, fields
from typing import Any, Final

_ADDED_LATER: Final[dict[str, Any]] = {"added_later": True}
"""Marks a limit that bundles made before it do not carry: they get its default."""


@dataclass(frozen=True)
class ImageReference:
    """Limits of the gates on the image itself; a bundle keeps them under `image_reference`.

    The defaults hold for bundles without that section. They were chosen on phantoms of the training hospitals (seeds
    1000-1039), sound and with planted faults, and on one real series (PX0000); what they do was measured on others
    (`benchmarks/results/image_gates.md`).
    """

    max_distance_sd: float = 6.0
    """Distance of the image statistics from the training cases' beyond which the case has no verdict: sound series lie
    within 2.5, usable ones that were blurred, made noisy or inverted on purpose within 5."""

    min_grey_levels: float = 32.0
    """Different values between the 2nd and the 98th percentile of a slice; sound slices have hundreds."""

    neighbour_margin: float = 0.015
    """By how much the slices on both sides of one may resemble each other more than it resembles either (correlation of
    fine structure). Sound slices stay below -0.02, exchanged ones lie above 0.02."""

    copy_correlation: float = 0.997
    """Correlation of two slices, pixel by pixel, from which one is called a copy; noise keeps sound ones below 0.98."""

    min_neighbour_correlation: float = 0.6
    """Correlation of neighbouring pixels below which a slice is noise; sound ones have 0.95."""

    spike_ratio: float = field(default=9.0, metadata=_ADDED_LATER)
    """How far one frequency of a slice may stand out from all around it; sound slices reach 2.5, 6 where the scanner
    interpolated; stripes of a twentieth of the signal stand out 13 times."""

    void_signal: float = field(default=0.04, metadata=_ADDED_LATER)
    """Share of the 95th percentile up to which what fills an area with straight edges is the noise of a void."""

    dim_signal: float = field(default=0.1, metadata=_ADDED_LATER)
    """Share of the 95th percentile that something within 10 mm must reach where a station is seen; in sound stations
    something reaches 0.36."""

    bright_to_dark: float = field(default=1.0, metadata=_ADDED_LATER)
    """Most voxels of the brightest tenth of the range for one of the darkest; sound images have less than 0.4."""

    wrap_margin: float = field(default=0.1, metadata=_ADDED_LATER)
    """By how much lines at opposite borders may resemble each other more than lines at a seam inside; sound images have
    no seam that they resemble each other more than at, wrapped ones lie above 0.11."""

    ghost_ratio: float = field(default=80.0, metadata=_ADDED_LATER)
    """How far a copy of the body may stand out, in SD of the cepstrum; sound images reach 22, a copy of 15 % 113."""


DEFAULT_IMAGE_REFERENCE: Final = ImageReference()


def optional_limits() -> frozenset[str]:
    """Return the names of the limits that a bundle may leave out, since they came after the first bundles."""
    return frozenset(each.name for each in fields(ImageReference) if each.metadata.get("added_later"))
