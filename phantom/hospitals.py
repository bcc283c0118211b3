"""Hospitals: whose scanners acquired a case, as ranges that its acquisition is drawn from.

Three hospitals train a model and two are kept to test it, as in the study (Qiao et al. 2025: three and two). Those of
the test lie outside the others' ranges in maker, pixel size, noise, coil profile and contrast, so that a model meets
settings that it has not learnt from.
"""

from dataclasses import dataclass
from typing import Final, Literal

Range = tuple[float, float]

HospitalName = Literal["north", "east", "west", "south", "harbour"]


@dataclass(frozen=True)
class Hospital:
    """Settings of a hospital's scanners; the defaults are those of a case that names none."""

    makers: tuple[tuple[str, str], ...] = (
        ("Phantom Works", "Model A"),
        ("Phantom Works", "Model B"),
        ("Synthetic Imaging", "Torus"),
    )
    """Invented makers and models; the phantom copies no real scanner."""

    field_strengths_t: tuple[float, ...] = (1.5, 3.0)
    matrices: tuple[int, ...] = (256, 288, 320, 320, 352, 384)
    """Rows and columns; one that stands twice is drawn twice as often."""

    field_mm: Range = (192.0, 240.0)
    """Field of view in plane."""

    pixel_limits_mm: Range = (0.55, 0.9)
    """The field of view is clipped to these pixel sizes."""

    slice_distance_mm: Range = (3.0, 5.0)
    gap_shares: tuple[float, ...] = (0.0, 0.1, 0.1, 0.2)
    """Gap between slices as a share of their distance."""

    echo_time_ms: Range = (80.0, 125.0)
    repetition_time_ms: Range = (3200.0, 6500.0)
    noise_sd: Range = (0.012, 0.045)
    """Of the Gaussian noise in each channel, relative to fat = 1."""

    blur_px: Range = (0.25, 0.6)
    """Standard deviation of the point spread in plane, pixels."""

    shading: float = 1.0
    """Strength of the coil profile; 0 is even."""

    contrast_exponent: Range = (1.0, 1.0)
    """Exponent of the signal relative to fat: above 1 dark tissue is darker (a longer echo), below 1 brighter."""


ANY: Final = Hospital()
"""Every training scanner there is: what a case without a hospital is drawn from."""

ANYWHERE: Final = Hospital(
    matrices=(256, 288, 320, 320, 384, 384, 448, 512),
    field_mm=(180.0, 430.0),
    pixel_limits_mm=(0.4, 1.1),
    gap_shares=(0.0, 0.0, 0.1, 0.2, 0.3),
    echo_time_ms=(70.0, 140.0),
    noise_sd=(0.008, 0.06),
    blur_px=(0.2, 1.0),
    shading=1.5,
    contrast_exponent=(0.75, 1.35),
)
"""Any scanner and protocol, for training on bodies of people: what a case of any coverage is drawn from."""

HOSPITALS: Final[dict[HospitalName, Hospital]] = {
    "north": Hospital(
        makers=(("Phantom Works", "Model A"),),
        field_strengths_t=(1.5,),
        matrices=(256, 288, 320),
        slice_distance_mm=(3.6, 5.0),
        noise_sd=(0.02, 0.045),
        contrast_exponent=(0.95, 1.05),
    ),
    "east": Hospital(
        makers=(("Synthetic Imaging", "Torus"),),
        field_strengths_t=(3.0,),
        matrices=(320, 352, 384),
        slice_distance_mm=(3.0, 4.0),
        noise_sd=(0.012, 0.03),
        shading=1.3,
        contrast_exponent=(1.0, 1.1),
    ),
    "west": Hospital(
        makers=(("Phantom Works", "Model B"), ("Synthetic Imaging", "Torus")),
        matrices=(288, 320, 384),
        slice_distance_mm=(3.0, 5.0),
        contrast_exponent=(0.9, 1.0),
    ),
    "south": Hospital(
        makers=(("Fictive Medical", "Aurora"),),
        field_strengths_t=(1.5,),
        matrices=(448, 512),
        field_mm=(200.0, 250.0),
        pixel_limits_mm=(0.4, 0.54),
        slice_distance_mm=(4.0, 5.0),
        gap_shares=(0.2, 0.25),
        echo_time_ms=(70.0, 79.0),
        noise_sd=(0.045, 0.06),
        contrast_exponent=(0.8, 0.9),
    ),
    "harbour": Hospital(
        makers=(("Fictive Medical", "Borealis"),),
        field_strengths_t=(3.0,),
        matrices=(256, 320),
        field_mm=(240.0, 280.0),
        pixel_limits_mm=(0.8, 1.0),
        slice_distance_mm=(3.0, 3.6),
        gap_shares=(0.0,),
        echo_time_ms=(126.0, 138.0),
        noise_sd=(0.02, 0.04),
        blur_px=(0.6, 0.9),
        shading=1.7,
        contrast_exponent=(1.1, 1.2),
    ),
}

TRAINING_HOSPITALS: Final[tuple[HospitalName, ...]] = ("north", "east", "west")
EXTERNAL_HOSPITALS: Final[tuple[HospitalName, ...]] = ("south", "harbour")
"""Kept to test a model; never trained on."""


def hospital_of(name: HospitalName | None) -> Hospital:
    """Return the settings of a hospital; those of every training scanner for None."""
    return ANY if name is None else HOSPITALS[name]
