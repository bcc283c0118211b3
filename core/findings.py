"""The result of a case, as it goes to callers, to findings.json and to the DICOM objects.

Field names and words are a stable interface (schema 1.x only adds); None means "not computed".
"""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sidewall.vocabulary import CaseStatus, NodeStatus, Side, Station

SCHEMA_VERSION: Final = "1.5"

_SINCE_1_1: Final = {"since": "1.1"}
"""Marks a field that findings of 1.0 do not have: reading them gives its default."""

_SINCE_1_2: Final = {"since": "1.2"}
_SINCE_1_3: Final = {"since": "1.3"}
_SINCE_1_4: Final = {"since": "1.4"}
_SINCE_1_5: Final = {"since": "1.5"}

TimePoint = Literal["baseline", "restaging", "unknown"]
GateOutcome = Literal["pass", "warn", "refuse"]

PointLpsMm = tuple[float, float, float]
Interval = tuple[float, float]


@dataclass(frozen=True)
class NodeFeatures:
    """Malignant features of the study's rule; None until they are measured."""

    irregular_border: bool | None = None
    heterogeneous_signal: bool | None = None
    border_irregularity: float | None = field(default=None, metadata=_SINCE_1_1)
    """Root mean square distance of the outline from an ellipse, as a share of its radius; 0 is an ellipse."""

    signal_heterogeneity: float | None = field(default=None, metadata=_SINCE_1_1)
    """Standard deviation of the signal within the node's slices, as a share of its mean."""


@dataclass(frozen=True)
class PriorNode:
    """The node of an earlier study that a node is taken for."""

    id: int
    """Its number in the earlier findings."""

    short_axis_mm: float
    """Its short axis then."""

    change_mm: float
    """Short axis now less then."""

    change_interval_mm: Interval | None
    """Smallest and largest change that the folds of both studies allow; None where one has no interval."""

    distance_mm: float
    """Between both centres once the studies lie on each other."""

    certain: bool
    """Whether no other node of either study was nearly as close."""

    volume_mm3: float | None = field(default=None, metadata=_SINCE_1_3)
    """Its volume then."""

    measurable: bool | None = field(default=None, metadata=_SINCE_1_4)
    """Whether the change is larger than what two studies of an unchanged node differ by
    (`Comparison.limit_of_agreement_mm`); False is no measurable change, None a difference between two methods.
    """

    percent_interval: Interval | None = field(default=None, metadata=_SINCE_1_5)
    """Smallest and largest change, percent of the short axis then, that the folds of both studies allow."""

    volume_change_interval_mm3: Interval | None = field(default=None, metadata=_SINCE_1_5)
    """Smallest and largest change of the volume that the folds of both studies allow."""

    @property
    def change_percent(self) -> float | None:
        """Change of the short axis, percent of what it was then; None where that was nothing."""
        return 100 * self.change_mm / self.short_axis_mm if self.short_axis_mm else None


@dataclass(frozen=True)
class Node:
    """One measured and scored lateral lymph node."""

    id: int
    """1-based, in order from head to feet, then right to left."""

    side: Side
    station: Station | None
    """None when the node touches no station; the case then carries a warning."""

    short_axis_mm: float
    long_axis_mm: float
    volume_mm3: float
    centroid_lps_mm: PointLpsMm
    status: NodeStatus
    status_by_rule: NodeStatus
    """By size, and by both features together where they are measured, before any `demonstration` override."""

    status_by_model: NodeStatus | None
    """By the mean positive share; None, as both numbers below, when a label map was scored and no model was at work."""

    probability: float | None
    """Mean positive share over the node, 0..1."""

    mean_posterior: float | None
    """Mean node posterior over the node, 0..1."""

    short_axis_interval_mm: Interval | None
    """Smallest and largest short axis among the folds; None with one fold."""

    axis_endpoints_lps_mm: dict[Literal["short", "long"], tuple[PointLpsMm, PointLpsMm]]
    station_probabilities: dict[Station, float]
    regional: bool | None
    """True for obturator and internal iliac (N), False for external iliac (M), None without a station."""

    features: NodeFeatures
    tracking_uid: str
    long_axis_interval_mm: Interval | None = field(default=None, metadata=_SINCE_1_1)
    """Smallest and largest long axis among the folds; None with one fold. So are the intervals below."""

    volume_interval_mm3: Interval | None = field(default=None, metadata=_SINCE_1_1)
    probability_interval: Interval | None = field(default=None, metadata=_SINCE_1_1)
    """Among the folds that see the node; None also when none does."""

    long_axis_3d_mm: float | None = field(default=None, metadata=_SINCE_1_1)
    """Longest diameter in space, whatever the plane of the slices."""

    short_axis_3d_mm: float | None = field(default=None, metadata=_SINCE_1_1)
    """Extent in space perpendicular to that diameter and to the widest direction across it."""

    conglomerate: bool | None = field(default=None, metadata=_SINCE_1_1)
    """Whether it looks like several nodes grown together that could not be parted; None where too small to tell."""

    cut_by_image: bool | None = field(default=None, metadata=_SINCE_1_1)
    """Whether it reaches the edge of the image, so that its size is a lower bound."""

    prior: PriorNode | None = field(default=None, metadata=_SINCE_1_1)
    """The same node in the earlier study; None without one, and for a node that is new."""

    cutoff_mm: float | None = field(default=None, metadata=_SINCE_1_1)
    """Short axis that its size was judged by: that of primary staging, or its station's own at restaging."""

    status_by_label: NodeStatus | None = field(default=None, metadata=_SINCE_1_1)
    """What the scored label map calls the node; counts in the model's place. None for a model, and for a label map
    that does not tell positive nodes from negative ones."""


@dataclass(frozen=True)
class StationAssessment:
    """Whether one station of one side was seen well enough to call it free of nodes."""

    side: Literal["left", "right"]
    station: Station
    assessed: bool
    volume_mm3: float
    reason: str | None
    """Why it was not assessed."""

    centroid_lps_mm: PointLpsMm | None = field(default=None, metadata=_SINCE_1_1)
    """Centre of what was seen of it, a landmark between studies; None when nothing was."""


@dataclass(frozen=True)
class Gate:
    """One quality check of the input or the segmentation."""

    code: str
    outcome: GateOutcome
    message: str
    score: float | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class PatientHashes:
    """Who the patient is, so that only the site can tell whether two cases are of one patient.

    Each is HMAC-SHA256 under the site's secret (`pseudonym_salt`), as 32 hexadecimal digits.
    """

    key: str
    """Of no patient at all, 8 digits: cases whose keys differ were hashed under different secrets."""

    patient_id: str
    issuer: str | None
    """Of patient ID and issuer together; None where the images name no issuer."""

    birth_date: str | None
    """Of patient ID and birth date together; None where the images have no legal date."""


@dataclass(frozen=True)
class CaseIdentity:
    """Who was analysed, without naming them."""

    case_id: str
    """Given by the caller, or a salted pseudonym of the study and series UID."""

    study_instance_uid: str | None
    series_instance_uid: str | None
    frame_of_reference_uid: str | None
    study_date: str | None = field(default=None, metadata=_SINCE_1_3)
    """ISO 8601; None where the images have no legal date, or the site keeps dates out of findings."""

    patient: PatientHashes | None = field(default=None, metadata=_SINCE_1_3)
    """None for images without a patient ID, and at a site without a secret."""


@dataclass(frozen=True)
class CaseContext:
    """Where the study stands in the treatment."""

    time_point: TimePoint = "unknown"
    prior_case_id: str | None = None


@dataclass(frozen=True)
class VanishedNode:
    """A node of the earlier study that no node of this one is taken for."""

    id: int
    """Its number in the earlier findings."""

    side: Side
    station: Station | None
    short_axis_mm: float
    status: NodeStatus
    centroid_lps_mm: PointLpsMm | None = field(default=None, metadata=_SINCE_1_3)
    """Where it would lie in this study."""


@dataclass(frozen=True)
class Comparison:
    """How this study was laid on an earlier one."""

    prior_case_id: str
    prior_time_point: TimePoint
    landmark_count: int
    """Stations that were seen in both; 0 when both studies share one frame of reference."""

    shift_lps_mm: PointLpsMm
    """Added to a position of the earlier study, turned where `turn_deg` says so, to find it in this one."""

    vanished: tuple[VanishedNode, ...]
    """Gone, or not found again: the images alone cannot tell."""

    prior_study_instance_uid: str | None = field(default=None, metadata=_SINCE_1_3)
    prior_study_date: str | None = field(default=None, metadata=_SINCE_1_3)
    interval_days: int | None = field(default=None, metadata=_SINCE_1_3)
    """From the earlier study to this one, 0 or more; None where a date is not known."""

    between_methods: tuple[str, ...] = field(default=(), metadata=_SINCE_1_3)
    """In what the earlier findings were made otherwise, in words. Unless it is empty, a difference in size is one
    between two methods: it tells neither growth nor shrinkage.
    """

    limit_of_agreement_mm: float | None = field(default=None, metadata=_SINCE_1_4)
    """95 of 100 differences between the short axes of an unchanged node in two studies are smaller, as measured on
    phantoms (`core.judging.repeatability`); None between two methods.
    """

    turn_deg: float | None = field(default=None, metadata=_SINCE_1_4)
    """Rotation of the earlier study about LPS z, from x towards y, that comes before the shift; 0 where nothing is
    turned, None in findings that know of none.
    """

    pivot_lps_mm: PointLpsMm | None = field(default=None, metadata=_SINCE_1_4)
    """Where the axis of that rotation meets the earlier study; None where nothing is turned."""

    analysed_anew: bool = field(default=False, metadata=_SINCE_1_5)
    """Whether the images of the earlier study were given and analysed by what analysed this one."""

    prior_report_instance_uid: str | None = field(default=None, metadata=_SINCE_1_5)
    """SOP Instance UID of the earlier study's report; None where none was given."""


@dataclass(frozen=True)
class InputDescription:
    """What was analysed."""

    source: Literal["dicom", "volume"]
    instance_count: int
    shape_zyx: tuple[int, int, int] | None
    """Canonical orientation."""

    spacing_mm_zyx: tuple[float, float, float] | None
    origin_lps_mm: PointLpsMm | None
    direction: tuple[tuple[float, float, float], ...] | None
    """3x3 by rows (LPS components); columns are the unit vectors of index axes z, y, x."""

    is_phantom: bool
    manufacturer: str | None
    model_name: str | None
    field_strength_t: float | None
    label_map_sha256: str | None = field(default=None, metadata=_SINCE_1_1)
    """Digest of the label map that was scored in the place of a model's; None when a model segmented."""


@dataclass(frozen=True)
class ModelDescription:
    """What analysed it."""

    bundle_name: str
    bundle_version: str
    bundle_digest: str
    """sha256:... of the manifest."""

    trained_on: Literal["phantom", "clinical"]
    backend: str
    mode: Literal["exact", "fast"]
    fold_count: int
    threads: int | None = field(default=None, metadata=_SINCE_1_2)
    """CPU threads that it computed with (`base.processors`); None where it is not known."""


@dataclass(frozen=True)
class RefusalReason:
    """One reason why a case was refused (see `core.errors.RefusalCode`)."""

    code: str
    message: str


@dataclass(frozen=True)
class Findings:
    """The result of one case."""

    schema_version: str
    software_version: str
    case: CaseIdentity
    status: CaseStatus
    probability: float | None
    """Largest node probability; 0 without nodes; None when refused, or when no model was at work."""

    assessed: tuple[StationAssessment, ...]
    context: CaseContext
    nodes: tuple[Node, ...]
    gates: tuple[Gate, ...]
    rules: dict[str, Any] | None
    """The effective `CaseRules` as a mapping; None when refused before a bundle was used."""

    warnings: tuple[str, ...]
    refusal: tuple[RefusalReason, ...]
    input: InputDescription | None
    model: ModelDescription | None
    timings_s: dict[str, float] = field(default_factory=dict)
    analysed_at: str | None = field(default=None, metadata=_SINCE_1_1)
    """Time of the analysis, ISO 8601; with it a repeat gives the same bytes."""

    comparison: Comparison | None = field(default=None, metadata=_SINCE_1_1)
    """None when no earlier study was given, or it could not be laid on this one (a warning then says so)."""

    missing_files: tuple[str, ...] = field(default=(), metadata=_SINCE_1_2)
    """Files of the result that a fault of the program kept from being written; a warning names them, too."""

    incompletely_seen: bool | None = field(default=None, metadata=_SINCE_1_2)
    """Whether a part of the lateral compartments, or of a node, may lie beyond what was seen: such a case is never
    negative. None when refused."""
