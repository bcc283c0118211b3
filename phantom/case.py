"""One synthetic patient: the image, its labels and the truth of every node, from one seed."""

from phantom.generate import generate_case, label_case, plan_case
from phantom.plan import CasePlan
from phantom.truth import (
    GENERATOR_VERSION,
    Acquisition,
    LabelledCase,
    NodeStatus,
    PhantomCase,
    PhantomOptions,
    TrueNode,
)

__all__ = [
    "GENERATOR_VERSION",
    "Acquisition",
    "CasePlan",
    "LabelledCase",
    "NodeStatus",
    "PhantomCase",
    "PhantomOptions",
    "TrueNode",
    "generate_case",
    "label_case",
    "plan_case",
]
