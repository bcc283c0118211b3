"""This study beside an earlier one: which node is which, and how much it changed.

The earlier study is laid on this one (`core.judging.laying`); nodes are then paired on the same side, nearest first.
"""

from dataclasses import replace
from datetime import date
from typing import Final

import numpy as np

from base.errors import SettingInvalid
from core.counting import counted, named
from core.findings import (
    CaseIdentity,
    Comparison,
    Findings,
    Interval,
    Node,
    PointLpsMm,
    PriorNode,
    VanishedNode,
)
from core.judging.laying import Laying, lay
from core.judging.repeatability import limit_of_agreement_mm

MAX_DISTANCE_MM: Final = 12.0
"""Nodes farther apart than this are not taken for one: filling of bladder and rectum moves nodes by several mm, and
lateral nodes seldom lie closer to each other."""

CERTAIN_MARGIN_MM: Final = 4.0
"""A pair counts as certain when any other partner of either node lies this much farther away."""

_EARLIER: Final = "{what} of an earlier study of the patient"

_SAME_STUDY: Final = (
    "the earlier findings are of the same study: between them lies no time in which a node could change"
)


def require_earlier_study(case: CaseIdentity, prior: CaseIdentity | None, *, images: bool = False) -> None:
    """Raise `SettingInvalid` when an earlier study is of the same series, of another patient or later than the case.

    The same series would say that nothing changed; bare voxels carry no UID and cannot be told apart so. Patients are
    told apart by their keyed hashes, where both were made under one secret. `images` says that images are held
    against it, `prior_images`, and not findings, `prior`.
    """
    if prior is None:
        return
    setting, what = ("prior_images", "images") if images else ("prior", "findings")
    allowed = _EARLIER.format(what=what)
    if case.series_instance_uid is not None and case.series_instance_uid == prior.series_instance_uid:
        raise SettingInvalid(setting, f"{what} of the same series", allowed)
    differing = _differing_patient(case, prior)
    if differing:
        raise SettingInvalid(setting, f"{what} of another patient: they differ in {differing}", allowed)
    interval = _interval_days(case, prior)
    if interval is not None and interval < 0:
        raise SettingInvalid(setting, f"{what} of a study {counted(-interval, 'day')} later", allowed)


def _differing_patient(case: CaseIdentity, prior: CaseIdentity) -> str | None:
    """Return in what two patients differ, in words; None where they do not, or where it cannot be told."""
    now, then = case.patient, prior.patient
    if now is None or then is None or now.key != then.key:
        return None
    if now.patient_id != then.patient_id:
        return "patient ID"
    if now.issuer and then.issuer and now.issuer != then.issuer:
        return "issuer of the patient ID"
    return "birth date" if now.birth_date and then.birth_date and now.birth_date != then.birth_date else None


def _interval_days(case: CaseIdentity, prior: CaseIdentity) -> int | None:
    if case.study_date is None or prior.study_date is None:
        return None
    return (date.fromisoformat(case.study_date) - date.fromisoformat(prior.study_date)).days


def _doubt_about_patient(case: CaseIdentity, prior: CaseIdentity) -> tuple[str, ...]:
    """Return why it is not known whether both studies are of one patient; nothing where it is."""
    if case.study_instance_uid is not None and case.study_instance_uid == prior.study_instance_uid:
        return ()
    if case.patient is None or prior.patient is None:
        why = "which needs a patient ID in both and a secret of the site (pseudonym_salt)"
    elif case.patient.key != prior.patient.key:
        why = "since their patients are hashed under different secrets (pseudonym_salt)"
    else:
        return ()
    return (f"whether the earlier study is of the same patient was not checked, {why}",)


def _between_methods(findings: Findings, prior: Findings) -> tuple[str, ...]:
    """Return in what the earlier findings were made otherwise, in words."""
    now, then = findings.model, prior.model
    if now is None or then is None:
        differing = [] if now is then else ["a model's segmentation and a label map"]
    else:
        pairs = (("bundle", now.bundle_digest, then.bundle_digest), ("mode", now.mode, then.mode))
        differing = [f"another {what}" for what, one, other in pairs if one != other]
    if _measuring_rules(findings) != _measuring_rules(prior):
        differing.append("other rules")
    return tuple(differing)


def _measuring_rules(findings: Findings) -> dict[str, object]:
    """Return the rules, but for what a restaging is judged by and for words: these move no outline."""
    rules = dict(findings.rules or {})
    rules["id"] = str(rules.get("id", "")).removesuffix("+restaging")
    return {name: value for name, value in rules.items() if name not in ("restaging_applied", "source")}


def with_comparison(
    findings: Findings, prior: Findings, *, analysed_anew: bool = False, report_uid: str | None = None
) -> Findings:
    """Return the findings with every node's earlier self, and the earlier study's name in their context.

    `analysed_anew` says that the earlier findings were made just now, from the earlier images; `report_uid` names the
    earlier study's report.
    """
    nodes, comparison, warnings = compare_with_prior(findings, prior)
    if comparison is not None:
        comparison = replace(comparison, analysed_anew=analysed_anew, prior_report_instance_uid=report_uid)
    study = findings.case.study_instance_uid
    if study is not None and study == prior.case.study_instance_uid:
        warnings = (_SAME_STUDY, *warnings)
    warnings = (*_doubt_about_patient(findings.case, prior.case), *warnings)
    return replace(
        findings,
        nodes=nodes,
        comparison=comparison,
        context=replace(findings.context, prior_case_id=prior.case.case_id),
        warnings=findings.warnings + warnings,
    )


def compare_with_prior(
    findings: Findings, prior: Findings
) -> tuple[tuple[Node, ...], Comparison | None, tuple[str, ...]]:
    """Return the nodes with their earlier selves, how the studies were laid on each other, and warnings.

    Without enough common landmarks, or for an earlier study that was refused, nothing is compared: the nodes are
    returned as they are, the comparison is None and a warning says why.
    """
    if prior.status == "refused":
        return findings.nodes, None, ("the earlier study was refused: nothing is compared",)
    laying = lay(findings, prior)
    if isinstance(laying, str):
        return findings.nodes, None, (f"{laying}: nothing is compared",)
    pairs = _pair(findings.nodes, prior.nodes, laying)
    methods = _between_methods(findings, prior)
    limit_mm = None if methods else limit_of_agreement_mm(findings)
    nodes = tuple(
        _with_earlier_self(node, *pairs[node.id], limit_mm) if node.id in pairs else node for node in findings.nodes
    )
    taken = {earlier.id for earlier, _, _ in pairs.values()}
    comparison = Comparison(
        prior_case_id=prior.case.case_id,
        prior_time_point=prior.context.time_point,
        landmark_count=laying.landmark_count,
        shift_lps_mm=_point(laying.shift_mm),
        vanished=tuple(
            VanishedNode(
                node.id,
                node.side,
                node.station,
                node.short_axis_mm,
                node.status,
                laying.placed(node.centroid_lps_mm),
            )
            for node in prior.nodes
            if node.id not in taken
        ),
        prior_study_instance_uid=prior.case.study_instance_uid,
        prior_study_date=prior.case.study_date,
        interval_days=_interval_days(findings.case, prior.case),
        between_methods=methods,
        limit_of_agreement_mm=limit_mm,
        turn_deg=laying.turn_deg,
        pivot_lps_mm=None if laying.pivot_mm is None else _point(laying.pivot_mm),
    )
    return nodes, comparison, _warnings(nodes, comparison)


def with_known_nodes(anew: Findings, before: Findings) -> Findings:
    """Return new findings of a study with the tracking UIDs that its nodes had in the findings of before."""
    nodes, _, _ = compare_with_prior(anew, before)
    known = {node.id: node.tracking_uid for node in nodes if node.prior is not None and node.prior.certain}
    return replace(
        anew,
        nodes=tuple(replace(each, tracking_uid=known.get(each.id, each.tracking_uid)) for each in anew.nodes),
    )


def _pair(nodes: tuple[Node, ...], earlier: tuple[Node, ...], laying: Laying) -> dict[int, tuple[Node, float, bool]]:
    """Return node id -> (earlier node, distance in mm, certain), the nearest pairs first, each node once."""
    distance_mm = np.array(
        [
            [
                float(np.linalg.norm(np.subtract(node.centroid_lps_mm, laying.placed(then.centroid_lps_mm))))
                if _may_be_one(node, then)
                else np.inf
                for then in earlier
            ]
            for node in nodes
        ]
    ).reshape(len(nodes), len(earlier))
    left = distance_mm.copy()
    pairs: dict[int, tuple[Node, float, bool]] = {}
    while left.size and left.min() <= MAX_DISTANCE_MM:
        row, column = np.unravel_index(int(left.argmin()), left.shape)
        others = np.concatenate([np.delete(distance_mm[row], column), np.delete(distance_mm[:, column], row)])
        nearest = float(distance_mm[row, column])
        certain = bool(others.min(initial=np.inf) >= nearest + CERTAIN_MARGIN_MM)
        pairs[nodes[int(row)].id] = (earlier[int(column)], nearest, certain)
        left[row, :] = np.inf
        left[:, column] = np.inf
    return pairs


def _may_be_one(node: Node, then: Node) -> bool:
    return "unknown" in (node.side, then.side) or node.side == then.side


def _with_earlier_self(node: Node, then: Node, distance_mm: float, certain: bool, limit_mm: float | None) -> Node:
    """Return a node with what it was; one that is known for certain keeps its tracking UID."""
    earlier = _prior_node(node, then, distance_mm, certain, limit_mm)
    return replace(node, prior=earlier, tracking_uid=then.tracking_uid if certain else node.tracking_uid)


def _prior_node(node: Node, then: Node, distance_mm: float, certain: bool, limit_mm: float | None) -> PriorNode:
    change_mm = node.short_axis_mm - then.short_axis_mm
    return PriorNode(
        id=then.id,
        short_axis_mm=then.short_axis_mm,
        change_mm=change_mm,
        change_interval_mm=_difference(node.short_axis_interval_mm, then.short_axis_interval_mm),
        distance_mm=distance_mm,
        certain=certain,
        volume_mm3=then.volume_mm3,
        measurable=None if limit_mm is None else abs(change_mm) > limit_mm,
        percent_interval=_percent(node.short_axis_interval_mm, then.short_axis_interval_mm),
        volume_change_interval_mm3=_difference(node.volume_interval_mm3, then.volume_interval_mm3),
    )


def _difference(now: Interval | None, then: Interval | None) -> Interval | None:
    """Return the smallest and largest difference that two intervals allow."""
    if now is None or then is None:
        return None
    return now[0] - then[1], now[1] - then[0]


def _percent(now: Interval | None, then: Interval | None) -> Interval | None:
    """Return the smallest and largest change in percent of what was, that two intervals allow."""
    if now is None or then is None or then[0] <= 0:
        return None
    return 100 * (now[0] / then[1] - 1), 100 * (now[1] / then[0] - 1)


def _warnings(nodes: tuple[Node, ...], comparison: Comparison) -> tuple[str, ...]:
    said = []
    if comparison.between_methods:
        said.append(
            f"the earlier findings were made otherwise ({', '.join(comparison.between_methods)}): differences in size "
            "are differences between two methods, and tell neither growth nor shrinkage"
        )
    said += [
        f"node {node.id} may be node {node.prior.id} of the earlier study, but another lies nearly as close"
        for node in nodes
        if node.prior is not None and not node.prior.certain
    ]
    if comparison.vanished:
        numbers = named("node", (node.id for node in comparison.vanished))
        said.append(f"{numbers} of the earlier study not found again: gone, or missed")
    return tuple(said)


def _point(position: np.ndarray) -> PointLpsMm:
    return float(position[0]), float(position[1]), float(position[2])
