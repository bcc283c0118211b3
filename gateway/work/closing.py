"""When a study is complete, and what the rules then make of it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from fnmatch import fnmatchcase

import structlog
from sqlalchemy import Connection, select

from gateway.intake.activity import Activity
from gateway.ledger.arrivals import Role
from gateway.ledger.ledger import Ledger
from gateway.ledger.schema import instances
from gateway.ledger.states import StudyState
from gateway.ledger.studies import StudyRow, in_states, move
from gateway.site.deciding import Decision, StudyFacts, decide, is_self_test
from gateway.site.parts import Rule, Site

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class Closer:
    """Closes studies by quiet time, by a count that a series gives itself, or by force; never by an association."""

    def __init__(
        self, ledger: Ledger, site: Callable[[], Site], activity: Activity, *, quiet_s: float, force_s: float
    ) -> None:
        self._ledger, self._site, self._activity = ledger, site, activity
        self._quiet_s, self._force_s = quiet_s, force_s
        self._up_since = ledger.now_s()

    def close_due(self) -> int:
        """Close every study that is complete by now, and return how many."""
        with self._ledger.read() as connection:
            receiving = in_states(connection, (StudyState.RECEIVING,))
            due = [(study, reason) for study in receiving if (reason := self._why(connection, study))]
        return sum(self._close(study, reason) for study, reason in due)

    def _why(self, connection: Connection, study: StudyRow) -> str | None:
        """Return why a study is complete; None while it is not."""
        now = self._ledger.now_s()
        if now - study.first_at >= self._force_s:
            return f"forced after {self._force_s:g} s"
        # While we were down nobody could send: that was no quiet time.
        if now - max(study.last_at, self._up_since) >= self._quiet_s and self._activity.quiet_s(study.study_uid) >= self._quiet_s:
            return f"quiet for {self._quiet_s:g} s"
        rules = [rule for rule in self._site().rules if rule.early_series]
        if rules:
            facts = facts_of(connection, study)
            decision = self._decision(facts)
            return _early(decision.rule, facts) if decision.rule in rules else None
        return None

    def _close(self, study: StudyRow, reason: str) -> bool:
        """Take the decision; False when another instance came meanwhile."""
        with self._ledger.change("closed") as connection:
            facts = facts_of(connection, study)
            decision = self._decision(facts)
            is_tried = is_self_test(decision.rule, facts)
            becomes = StudyState.WAITING if decision.analyses else StudyState.IGNORED
            values = {"decision": decision.as_mapping() | {"self_test": is_tried}, "next_at": 0.0}
            if decision.rule is not None:
                values["priority"] = 0 if decision.rule.priority == "urgent" else 1
            said = f"{reason}; {decision.reason}"
            is_closed = move(connection, self._ledger.now_s(), study, becomes, said, **values)
        if is_closed:
            _log.info("study complete", study=study.id, state=str(becomes), reason=said)
        return is_closed

    def _decision(self, facts: list[dict[str, str]]) -> Decision:
        local = datetime.fromtimestamp(self._ledger.now_s(), UTC).astimezone()
        return decide(self._site(), StudyFacts.of(facts, local))


def facts_of(connection: Connection, study: StudyRow) -> list[dict[str, str]]:
    """Return what rules look at, of every image of a study's revision and those before it."""
    of_study = (instances.c.study_uid == study.study_uid) & (instances.c.role == str(Role.IMAGE))
    rows = connection.execute(
        select(instances.c.facts, instances.c.series_uid).where(of_study & (instances.c.revision <= study.revision))
    )
    return [json.loads(row.facts) | {"series_uid": row.series_uid} for row in rows]


def _early(rule: Rule | None, facts: list[dict[str, str]]) -> str | None:
    """Return that the series which a rule names is whole by its own count (0020,1002); None while it is not."""
    if rule is None:
        return None
    wanted = [
        each
        for each in facts
        if fnmatchcase(each.get("series_description", "").casefold(), rule.early_series.casefold())
    ]
    for uid in dict.fromkeys(each["series_uid"] for each in wanted):
        series = [each for each in wanted if each["series_uid"] == uid]
        expected = {each.get("images_in_acquisition", "") for each in series}
        if len(expected) == 1 and expected == {str(len(series))}:
            return f"all {len(series)} instances of the series that rule {rule.name} names are there"
    return None
