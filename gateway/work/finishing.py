"""From a case folder to the ledger: the answer is taken note of and its objects put into the queues, in one change."""

from pathlib import Path
from typing import Any

import structlog

from gateway.ledger.ledger import Ledger
from gateway.ledger.outbox import Outgoing, queue
from gateway.ledger.states import StudyState
from gateway.ledger.studies import StudyRow, by_id, move
from gateway.work.answers import Answer, objects_in
from gateway.work.checking import Checked, NotProved, check_objects
from gateway.work.closing import facts_of
from gateway.work.inputs import Choice

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


def finish(ledger: Ledger, study: StudyRow, folder: Path, answer: Answer, choice: Choice, notes: str) -> bool:
    """Take note of a whole answer, and queue what the study's rule sends; False when the study was taken away meanwhile.

    An object that is not proved to be about the study keeps everything of it from leaving: the study has failed.
    """
    with ledger.read() as connection:
        facts = facts_of(connection, study)
    is_phantom = bool(facts) and all(each.get("quality_control") == "YES" for each in facts)
    wanted, why_nothing = _wanted(study, folder, is_demonstration=answer.knows_phantoms_only and not is_phantom)
    try:
        checked = check_objects(folder, list(objects_in(folder)), choice.files, study.study_uid)
    except NotProved as error:
        _log.error("result not proved", study=study.id, what=str(error))
        return _fail(ledger, study, answer, f"a result was not proved and nothing has left: {error}")
    outgoing = [_outgoing(each, to) for to, names in wanted for each in checked if each.name in names]
    becomes = StudyState.REFUSED if answer.status == "refused" else StudyState.ANSWERED
    said = f"refused: {', '.join(answer.reasons)}" if answer.status == "refused" else answer.engine
    values: dict[str, Any] = {
        "answer": answer.as_mapping(),
        "engine": answer.engine,
        "series_uid": choice.series_uid,
        "lease_owner": "",
        "lease_until": 0.0,
    }
    with ledger.change("answered") as connection:
        now = ledger.now_s()
        reason = "; ".join(filter(None, (said, notes, "" if outgoing else why_nothing)))
        if not move(connection, now, study, becomes, reason, **values):
            return False
        answered = by_id(connection, study.id)
        count = queue(connection, now, answered, outgoing)
        if count and becomes is StudyState.ANSWERED:
            move(connection, now, answered, StudyState.DELIVERING, f"{count} objects queued")
    _log.info("study answered", study=study.id, state=str(becomes), queued=count)
    return True


def _wanted(study: StudyRow, folder: Path, *, is_demonstration: bool) -> tuple[list[tuple[str, set[str]]], str]:
    """Return destination and names of what goes there, and why nothing goes where nothing does."""
    rule = study.decision.get("rule") or {}
    if is_demonstration and not rule.get("demonstrations", False):
        return [], "nothing leaves: a model that knows phantoms only has looked at a patient"
    kinds = objects_in(folder)
    wanted = [
        (each["to"], {name for name, kind in kinds.items() if kind in each["objects"]})
        for each in rule.get("deliver", ())
    ]
    return wanted, "nothing leaves: the rule names no destination"


def _outgoing(checked: Checked, to: str) -> Outgoing:
    return Outgoing(to, checked.name, checked.sop_uid, checked.sop_class, checked.transfer_syntax)


def _fail(ledger: Ledger, study: StudyRow, answer: Answer, reason: str) -> bool:
    values: dict[str, Any] = {"answer": answer.as_mapping(), "lease_owner": "", "lease_until": 0.0}
    with ledger.change("failed") as connection:
        return move(connection, ledger.now_s(), study, StudyState.FAILED, reason, **values)
