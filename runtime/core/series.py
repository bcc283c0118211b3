"""A DICOM series as read: voxels with geometry, and what results need to point back at the source."""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from runtime.core.volume import Volume


@dataclass(frozen=True)
class FrameReference:
    """The source of one slice."""

    sop_instance_uid: str
    frame_number: int | None
    """1-based frame of a multi-frame instance; None for a classic single-frame instance."""


@dataclass(frozen=True, eq=False)
class Series:
    """One readable axial series."""

    volume: Volume
    """As acquired: z = slices sorted along the slice normal (row x column), y = rows, x = columns; rescaled float32."""

    headers: tuple[Dataset, ...]
    """Source instances without pixel data: one per slice in z order (classic) or a single one (enhanced)."""

    frames: tuple[FrameReference, ...]
    """Source of each slice, in z order."""

    warnings: tuple[str, ...]
    """What was tolerated while reading; no patient data."""

    @property
    def is_phantom(self) -> bool:
        """Whether the subject is a quality control phantom: QualityControlSubject (0010,0200) is YES."""
        return str(self.headers[0].get("QualityControlSubject", "NO")).upper() == "YES"
