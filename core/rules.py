"""The scoring rules a bundle carries, thresholds with their sources, changeable per site; and those of one case."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from core.findings import TimePoint
from core.labels import Station

LATER_SOURCE: Final = (
    "cut-offs of the features: phantoms; restaging, where a site switches it on: internal iliac > 4 mm: Ogura et al., "
    "JAMA Surg 2019;154:e192172, obturator > 6 mm: customary, not from a single source, external iliac as in primary "
    "staging; off by default, since a Dutch re-review found no effect of downsizing (PMC10715698)"
)
"""Where the rules come from that a bundle may leave out, said of one that does."""

RESTAGING_RULES: Final[Mapping[Station, str]] = {
    "internal_iliac": "restaging_internal_iliac_cutoff_mm",
    "obturator": "restaging_obturator_cutoff_mm",
}
"""Station -> the rule that holds its cut-off at restaging; the external iliac one keeps that of primary staging."""

_ADDED_LATER: Final[dict[str, Any]] = {"added_later": True}
"""Marks a rule that bundles made before it do not carry: they get its default."""


@dataclass(frozen=True)
class SizeCutoff:
    """The short axis that parts small nodes from large ones."""

    short_axis_mm: float
    includes_itself: bool
    """Whether a node of just that size is large: primary staging says `>=`, restaging says `>`."""

    def is_large(self, short_axis_mm: float) -> bool:
        """Tell whether a node of that short axis is positive by size."""
        return short_axis_mm > self.short_axis_mm or (self.includes_itself and short_axis_mm == self.short_axis_mm)


@dataclass(frozen=True)
class ScoringRules:
    """Thresholds that turn a segmentation into findings; stored in the bundle's manifest under `scoring`."""

    id: str = "qiao-2025"
    """Name of the rule set, repeated in every result."""

    source: str = (
        "short axis >= 7 mm, or irregular border and heterogeneous signal: Qiao et al., Front Oncol 2025;15:1681939; "
        "7 mm: Ogura et al., J Clin Oncol 2019;37:33-43; the band around it is borderline, for the cut-off tells "
        "recurrence and not histology (pathology: 5-6 mm, Yamaoka et al. 2017); the model may add to the rule, not "
        f"take away from it; {LATER_SOURCE}"
    )
    """Where the thresholds and their combination come from."""

    temperature: float = field(default=1.0, metadata=_ADDED_LATER)
    """What the logits are divided by before they become posteriors (Guo et al., ICML 2017); above 0, and above 1 for
    folds that are too sure of themselves. It moves no label. Fitted on out-of-fold cases: a property of the model, and
    no choice of a site.
    """

    node_threshold: float = 0.5
    """Node posterior above which voxels form node candidates (0..1); chosen on held-out cases by training."""

    short_axis_cutoff_mm: float = 7.0
    """Short axis at or above which a node is positive (primary staging)."""

    borderline_band_mm: float = 0.5
    """Half width of the band around the cut-off in which a node is borderline."""

    positive_probability: float = 0.5
    """Mean positive share at or above which the model calls a node positive."""

    min_node_volume_mm3: float = 15.0
    """Components below this volume are not reported: about a 3 mm sphere, the smallest node the study labels."""

    min_short_axis_mm: float = 3.0
    """Nodes with a smaller short axis are not reported: the smallest that the study labels."""

    model_min_short_axis_mm: float = 0.0
    """Short axis from which the model's opinion alone makes a node positive; a bundle raises it where cross-validation
    shows that the model cannot tell the status of smaller nodes."""

    min_mean_posterior: float = field(default=0.0, metadata=_ADDED_LATER)
    """Nodes whose posterior averages less (0..1, over their voxels) are not reported: what the folds half believe is
    mostly a look-alike. Unlike a higher `node_threshold` it leaves the size of the others as it is.
    """

    min_station_volume_mm3: float = 300.0
    """A station on one side counts as assessed when at least this much of it was segmented."""

    feature_min_short_axis_mm: float = field(default=5.0, metadata=_ADDED_LATER)
    """Short axis from which the features are judged; a smaller node is a handful of pixels, and its features None.

    Of 41 phantom nodes below it 13 had too few inner voxels to measure, and 10 % of the even borders looked irregular.
    """

    irregular_border_cutoff: float = field(default=0.03, metadata=_ADDED_LATER)
    """Border irregularity (share of the radius) at or above which a border is irregular.

    Chosen by Youden's index on the softened true masks of phantoms (seeds 1000-1060, 166 nodes from 5 mm); no cut-off
    is published, and none of this was seen on patients. So was the next one.
    """

    heterogeneous_signal_cutoff: float = field(default=0.24, metadata=_ADDED_LATER)
    """Signal heterogeneity (share of the mean) at or above which the signal is heterogeneous."""

    restaging_internal_iliac_cutoff_mm: float = field(default=4.0, metadata=_ADDED_LATER)
    """Short axis above which an internal iliac node is positive at restaging (Ogura, JAMA Surg 2019;154:e192172)."""

    restaging_obturator_cutoff_mm: float = field(default=6.0, metadata=_ADDED_LATER)
    """Short axis above which an obturator node is positive at restaging: customary, not from a single source.

    External iliac nodes have no cut-off of their own at restaging: that of primary staging stays.
    """

    def size_cutoff(self, station: Station | None) -> SizeCutoff:
        """Return what parts small nodes from large ones in primary staging, the same in every station and in none."""
        return SizeCutoff(self.short_axis_cutoff_mm, includes_itself=True)


@dataclass(frozen=True)
class CaseRules(ScoringRules):
    """The rules as they hold for one case; the findings carry all of them."""

    restaging_applied: bool = False
    """Whether nodes are judged by the restaging cut-off of their station."""

    def size_cutoff(self, station: Station | None) -> SizeCutoff:
        """Return what parts small nodes from large ones in a station: at restaging its own cut-off, if it has one."""
        if self.restaging_applied and station is not None and station in RESTAGING_RULES:
            return SizeCutoff(getattr(self, RESTAGING_RULES[station]), includes_itself=False)
        return super().size_cutoff(station)


def rules_of_case(rules: ScoringRules, time_point: TimePoint, *, restaging_rules: bool) -> CaseRules:
    """Return the rules of a case; restaging needs a site that has switched it on and a study known to be one."""
    applied = restaging_rules and time_point == "restaging"
    values = asdict(rules) | ({"id": f"{rules.id}+restaging"} if applied else {})
    return CaseRules(**values, restaging_applied=applied)


def restaging_warnings(time_point: TimePoint, *, restaging_rules: bool) -> tuple[str, ...]:
    """Return what a reader must know when a site's restaging rules could not be applied; else nothing."""
    if restaging_rules and time_point == "unknown":
        return ("restaging rules are switched on, but the time point is unknown: primary rules were applied",)
    return ()


def optional_rules() -> frozenset[str]:
    """Return the names of the rules that a bundle may leave out, since they came after the first bundles."""
    return frozenset(each.name for each in fields(ScoringRules) if each.metadata.get("added_later"))
