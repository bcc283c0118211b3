"""What the rules say of a study: the first that matches decides, and every other says why it did not."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from gateway.site.parts import SELF_TEST, Rule, Site, matches


@dataclass(frozen=True)
class StudyFacts:
    """What rules look at."""

    calling_ae: tuple[str, ...]
    modality: tuple[str, ...]
    description: tuple[str, ...]
    station: tuple[str, ...]
    completed: datetime
    """Local time."""

    @classmethod
    def of(cls, instances: Iterable[Mapping[str, str]], completed: datetime) -> "StudyFacts":
        """Gather the facts of a study's instances, each value once."""
        rows = list(instances)

        def values(*names: str) -> tuple[str, ...]:
            return tuple(dict.fromkeys(row[name] for row in rows for name in names if row.get(name)))

        return cls(
            values("calling_ae"),
            values("modality"),
            values("study_description", "series_description"),
            values("station"),
            completed,
        )


@dataclass(frozen=True)
class Decision:
    """What becomes of a study, and why."""

    rule: Rule | None
    explanation: tuple[str, ...]
    """One line for every rule that was asked; no patient data."""

    version: str
    """Of the site's file."""

    @property
    def analyses(self) -> bool:
        """Whether the study is analysed: without a matching rule nothing is."""
        return self.rule is not None and self.rule.action == "analyse"

    @property
    def reason(self) -> str:
        """Return the decision in words."""
        if self.rule is None:
            return f"no rule matches (site file {self.version})"
        return f"rule {self.rule.name}: {self.rule.action} (site file {self.version})"

    def as_mapping(self) -> dict[str, Any]:
        """Return what a job keeps of it: the rule as it was."""
        return {"rule": None if self.rule is None else asdict(self.rule), "version": self.version}


def is_self_test(rule: Rule | None, instances: Iterable[Mapping[str, str]]) -> bool:
    """Whether a study is the self-test's: all of it a phantom's, and sent to nobody but the self-test."""
    if rule is None or {each.to for each in rule.deliver} != {SELF_TEST}:
        return False
    marks = {each.get("quality_control") for each in instances}
    return marks == {"YES"}


def decide(site: Site, facts: StudyFacts) -> Decision:
    """Return what the rules say, in their order."""
    explanation = []
    for rule in site.rules:
        against = _against(rule, facts)
        explanation.append(f"{rule.name}: {'matches' if against is None else against}")
        if against is None:
            return Decision(rule, tuple(explanation), site.version)
    return Decision(None, tuple(explanation), site.version)


def _against(rule: Rule, facts: StudyFacts) -> str | None:
    """Return which condition of a rule a study does not fulfil; None when it fulfils all."""
    for name in ("calling_ae", "modality", "description", "station"):
        patterns = getattr(rule, name)
        if not matches(patterns, getattr(facts, name)):
            return f"no {name} among {', '.join(patterns)}"
    if rule.hours and not _within(rule.hours, facts.completed):
        return f"complete at {facts.completed:%H:%M}, not in {rule.hours}"
    return None


def _within(hours: str, time: datetime) -> bool:
    first, _, last = hours.partition("-")
    now = f"{time:%H:%M}"
    return first <= now < last if first <= last else now >= first or now < last
