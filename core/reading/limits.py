"""What a series must be to be read at all, each limit with its unit and reason."""

from dataclasses import dataclass
from typing import Final

from core.site_choices import FilteredImages


@dataclass(frozen=True)
class ReadingLimits:
    """Bounds beyond which an input is refused."""

    max_input_bytes: int = 2**30
    """All files together, unpacked: four times a series of 500 slices of 512 x 512, and safe on a small box."""

    max_files: int = 4000
    """Files in one input; a pelvic T2 series has 15 to 200."""

    max_voxels: int = 100_000_000
    """Voxels of one series; 400 MB as float32."""

    min_slices: int = 5
    """Fewer cannot show a compartment in three dimensions."""

    max_in_plane_spacing_mm: float = 1.5
    """Rectal protocols have 0.4-0.8 mm; beyond this a 3 mm node is less than two pixels wide."""

    max_slice_spacing_mm: float = 7.0
    """Rectal protocols have 3-4 mm, older ones 5 mm plus a gap; beyond this a node of 7 mm can lie between slices."""

    usual_in_plane_spacing_mm: float = 0.8
    """Coarser is read with a warning."""

    usual_slice_spacing_mm: float = 5.0
    """Coarser is read with a warning."""

    max_tilt_deg: float = 45.0
    """Angle between slice normal and head-feet axis from which a series no longer counts as axial."""

    usual_tilt_deg: float = 20.0
    """A larger tilt is read with a warning; rectal protocols tilt with the tumour axis."""

    echo_time_ms: tuple[float, float] = (70.0, 140.0)
    """Effective echo time of T2-weighted turbo spin echo of the pelvis."""

    min_repetition_time_ms: float = 2000.0
    """Below this, spin echo is no longer T2-weighted."""

    filtered_images: FilteredImages = "refuse"
    """Whether images that a vendor's filter made, DERIVED with no sign of more, are refused or read with a warning."""


DEFAULT_LIMITS: Final = ReadingLimits()
