"""One synthetic patient: the image, its labels and the truth of every node, from one seed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.labels import Side, Station
from core.volume import Volume
from phantom.hospitals import HospitalName

GENERATOR_VERSION = 1
"""Raised whenever the image, the labels or the truth of any seed change."""

Contrast = Literal["informed", "random"]
"""Where the signals of a case come from."""

Coverage = Literal["usual", "any"]
"""What of the body the images of a case show."""

NodeStatus = Literal["positive", "negative"]


@dataclass(frozen=True)
class PhantomOptions:
    """What of a case is forced instead of drawn from its seed; the defaults force nothing."""

    node_count: int | None = None
    """Number of lateral nodes, 0-8; None draws it."""

    patient_positive: bool | None = None
    """Whether the patient has at least one positive node; None draws it."""

    truncated: bool | None = None
    """Whether the slices miss one end of the pelvis; None draws it."""

    mirrored: bool = False
    """Reflect the whole patient left-right in patient space (the sides of the nodes swap)."""

    ghosts: bool | None = None
    """Whether motion ghosts lie over the image; None draws it."""

    hospital: HospitalName | None = None
    """Whose scanner acquires the case; None draws from every training scanner. The body stays the same."""

    anatomy: Path | None = None
    """Folder of people's label maps that bodies are made from; None makes them of shapes."""

    left_out: tuple[str, ...] = ()
    """People of that folder who give nothing."""

    contrast: Contrast = "informed"
    """Whether the tissues' signals are those of real T2 images, or drawn at random (`random`)."""

    coverage: Coverage = "usual"
    """Whether field of view, tilt and height are those of a rectal protocol, or of any (`any`)."""


@dataclass(frozen=True)
class TrueNode:
    """What is known about one lateral node by construction."""

    id: int
    """1..n; the value of the node's voxels in `PhantomCase.node_ids`."""

    side: Side
    """The patient's own side, `left` or `right`."""

    station: Station
    """Lateral compartment that holds the node's centre."""

    centre_lps_mm: tuple[float, float, float]
    """Centre of the analytic shape, LPS (x, y, z)."""

    short_axis_mm: float
    """Largest extent perpendicular to the longest in-plane diameter, over the acquired planes, on the analytic form."""

    long_axis_mm: float
    """Longest diameter in the plane in which `short_axis_mm` was found."""

    irregular_border: bool
    """Malignant feature: lobulated or spiculated margin."""

    heterogeneous_signal: bool
    """Malignant feature: mixed dark and bright foci."""

    status: NodeStatus
    """Positive when the short axis is at least 7 mm or both features are present (Qiao et al. 2025)."""


@dataclass(frozen=True)
class Acquisition:
    """Sequence and scanner of a case, with the numbers that its DICOM headers carry."""

    spacing_mm: tuple[float, float, float]
    """Distance between voxel centres (z, y, x); z is slice thickness plus gap."""

    slice_thickness_mm: float
    """Thickness of the excited slice."""

    gap_mm: float
    """Gap between neighbouring slices."""

    tilt_deg: float
    """Rotation of the image plane about the patient's left-right axis (oblique axial)."""

    roll_deg: float
    """Rotation of the patient about the long axis of the body within the image."""

    echo_time_ms: float
    """TE."""

    repetition_time_ms: float
    """TR."""

    echo_train_length: int
    """Number of echoes per excitation."""

    flip_angle_deg: float
    """Refocusing flip angle."""

    field_strength_t: float
    """1.5 or 3.0."""

    manufacturer: str
    """Invented maker's name; the phantom copies no real scanner."""

    model_name: str
    """Invented scanner name."""

    noise_sd: float
    """Standard deviation of the Gaussian noise in each channel (Rician magnitude), relative to fat = 1."""

    ghost_amplitude: float
    """Amplitude of the motion ghosts relative to the image."""

    phase_axis: Literal["row", "column"]
    """In-plane direction of phase encoding, along which ghosts repeat: DICOM ROW or COL."""

    truncated: bool
    """Whether the slices miss one end of the pelvis."""


@dataclass(frozen=True, eq=False)
class LabelledCase:
    """The label maps of one synthetic patient, without an image."""

    seed: int
    labels: Volume
    """uint8 label map."""

    node_ids: Volume
    """uint8 on the same grid: 0 or the node's id."""

    nodes: tuple[TrueNode, ...]


@dataclass(frozen=True, eq=False)
class PhantomCase:
    """Image, labels and truth of one synthetic patient; all arrays share one grid in (z, y, x)."""

    seed: int
    """The seed that makes the same case again."""

    image: Volume
    """uint16 T2-weighted magnitude image, as acquired (oblique)."""

    labels: Volume
    """uint8 label map on the image's grid, values of `core.labels`."""

    node_ids: Volume
    """uint8 instance map of the nodes on the image's grid: 0 or `TrueNode.id`."""

    tissues: Volume
    """uint8 tissue map on the image's grid, values of `phantom.anatomy.TISSUES`."""

    nodes: tuple[TrueNode, ...]
    """Truth of every lateral node with at least one voxel in the image."""

    acquisition: Acquisition
    """Sequence and scanner."""

    hospital: HospitalName | None = None
    """Whose scanner acquired it; None stands for every training scanner."""

    people: tuple[str, ...] = ()
    """Whose label maps the body was made from, by file name; empty for a body of shapes."""

    @property
    def patient_positive(self) -> bool:
        """Return whether any node is positive."""
        return any(node.status == "positive" for node in self.nodes)
