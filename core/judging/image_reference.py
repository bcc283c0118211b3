"""How far an image may go before nothing is said about it: limits chosen on training images, kept in the bundle."""

from dataclasses import dataclass
from typing import Final


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


DEFAULT_IMAGE_REFERENCE: Final = ImageReference()
