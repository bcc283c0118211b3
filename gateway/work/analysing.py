"""Having waiting studies analysed, by whichever engine is free; an answer that is there is final."""

import asyncio
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sidewall
import structlog
from sidewall.case_folder import save_case

from base.failpoints import reach
from gateway.intake.room import FULL
from gateway.ledger.claims import LEASE_S, claim_study, renew
from gateway.ledger.ledger import Ledger
from gateway.ledger.states import StudyState
from gateway.ledger.studies import StudyRow, move
from gateway.site.parts import Site
from gateway.spool import Spool
from gateway.work.answers import read_answer
from gateway.work.engines import Engine, EnginePool, note_answer, note_refusal
from gateway.work.finishing import finish
from gateway.work.inputs import Choice, choose, earlier_report, images_of, prior, taken_series_numbers

_LOOK_S: Final = 0.5
_NO_ENGINE_S: Final = 30.0
_NO_SPACE_S: Final = 5.0
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True)
class Released:
    """Why a study waits again, and whether that counts as an attempt."""

    reason: str
    pause_s: float
    counts: bool


class Analyst:
    """Claims studies and brings each to its answer; runs in an event loop of its own."""

    def __init__(self, ledger: Ledger, spool: Spool, site: Callable[[], Site], *, attempts: int) -> None:
        self._ledger, self._spool, self._site, self._attempts = ledger, spool, site, attempts
        self.pool = EnginePool()
        self._stopping = False

    def stop(self) -> None:
        """Begin nothing more, and hand back what runs: its lease ends with the process."""
        self._stopping = True

    async def run(self) -> None:
        """Work until stopped."""
        tasks: set[asyncio.Task[None]] = set()
        while not self._stopping:
            await self.pool.take_up(self._site().engines)
            free = sum(each.address.parallel - each.running for each in self.pool.engines if each.is_free())
            study = await asyncio.to_thread(claim_study, self._ledger) if free > 0 else None
            if study is None:
                await asyncio.sleep(_LOOK_S)
                continue
            task = asyncio.create_task(self._guarded(study))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            # It takes its engine before the next study is claimed.
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.pool.close()

    async def _guarded(self, study: StudyRow) -> None:
        """Analyse one study; nothing that it meets ends the others."""
        rule = study.decision.get("rule") or {}
        engine = self.pool.free(rule.get("mode"), rule.get("gates"))
        if engine is None:
            kind = " ".join(filter(None, (rule.get("mode"), rule.get("gates")))) or "any"
            is_there = self.pool.has(rule.get("mode"), rule.get("gates"))
            reason = f"no engine is free ({kind})" if is_there else f"the site has no engine of this kind ({kind})"
            await self._release(study, Released(reason, _LOOK_S if is_there else _NO_ENGINE_S, counts=False))
            return
        engine.running += 1
        renewing = asyncio.create_task(self._keep_lease(study))
        try:
            released = await self._analyse(study, engine)
        except Exception as error:  # noqa: BLE001 - the edge: one study must not end the others
            released = _after(error, study)
        finally:
            renewing.cancel()
            engine.running -= 1
        if released is not None:
            await self._release(study, released)

    async def _keep_lease(self, study: StudyRow) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            await asyncio.to_thread(renew, self._ledger, study)

    async def _analyse(self, study: StudyRow, engine: Engine) -> Released | None:
        """Bring a study to its answer; returns why it has to wait again, None when it has not."""
        folder = self._spool.case_folder(study.study_uid, study.revision)
        choice = await asyncio.to_thread(self._choose, study)
        if choice.lost or not choice.files:
            await self._fail(study, f"{choice.lost} instances are not on the disk any more" if choice.lost else "no image")
            return None
        # None for an answer that was there: it is final, whichever engine gave it.
        notes: str | None = None
        if await asyncio.to_thread(read_answer, folder) is None:
            options, notes = await asyncio.to_thread(self._options, study, choice, engine)
            released = await self._ask(engine, choice, options, folder)
            if released is not None:
                return released
        answer = await asyncio.to_thread(read_answer, folder)
        if answer is None:
            return Released("the engine's answer holds no findings", 60.0, counts=True)
        if notes is not None:
            note_answer(engine, answer.bundle)
        await asyncio.to_thread(finish, self._ledger, study, folder, answer, choice, notes or "")
        return None

    def _choose(self, study: StudyRow) -> Choice:
        with self._ledger.read() as connection:
            images = images_of(connection, study, self._spool)
        return choose(images)

    def _options(self, study: StudyRow, choice: Choice, engine: Engine) -> tuple[sidewall.CaseOptions, str]:
        rule = study.decision.get("rule") or {}
        with self._ledger.read() as connection:
            earlier = earlier_report(connection, study, self._spool)
            known, said = prior(connection, study, self._spool, engine.bundle)
            taken = taken_series_numbers(connection, study, choice.series_uid)
        options = sidewall.CaseOptions(
            time_point="restaging" if rule.get("restaging") else "unknown",
            prior=None if choice.refusal else known,
            earlier_report=earlier,
            analysed_at=study.analysed_at,
            priority="routine" if study.priority else "urgent",
            refusal=choice.refusal,
            taken_series_numbers=taken,
            is_self_test=study.is_self_test,
        )
        return options, "" if choice.refusal else said

    async def _ask(
        self, engine: Engine, choice: Choice, options: sidewall.CaseOptions, folder: Path
    ) -> Released | None:
        """Have the engine answer into the case folder, all of it or nothing; returns why it did not."""
        try:
            result = await engine.client.analyze_series(choice.files, options=options)
            artefacts = result.artefacts
        except sidewall.Refused as refused:
            if not refused.artefacts:
                return Released(f"the engine refused the transfer ({refused.reasons[0].code})", 60.0, counts=True)
            artefacts = refused.artefacts
        except (sidewall.ServerBusy, sidewall.ServerUnreachable, sidewall.Cancelled) as error:
            note_refusal(engine, error.code)
            return Released(f"engine {engine.address.address}: {error.code}", _LOOK_S, counts=False)
        except sidewall.SidewallClientError as error:
            note_refusal(engine, error.code)
            return Released(f"engine {engine.address.address}: {error.code}", 5.0, counts=True)
        reach("case.answered")
        await asyncio.to_thread(functools.partial(save_case, artefacts, folder))
        reach("case.saved")
        return None

    async def _release(self, study: StudyRow, released: Released) -> None:
        attempts = study.attempts if released.counts else study.attempts - 1
        if attempts >= self._attempts:
            await self._fail(study, f"given up after {attempts} attempts: {released.reason}")
            return
        values: dict[str, Any] = {"attempts": attempts, "next_at": self._ledger.now_s() + released.pause_s}
        await self._move(study, StudyState.WAITING, released.reason, values)

    async def _fail(self, study: StudyRow, reason: str) -> None:
        _log.error("study failed", study=study.id, reason=reason)
        await self._move(study, StudyState.FAILED, reason, {})

    async def _move(self, study: StudyRow, becomes: StudyState, reason: str, values: dict[str, Any]) -> None:
        def change() -> None:
            with self._ledger.change("released") as connection:
                move(connection, self._ledger.now_s(), study, becomes, reason, lease_owner="", lease_until=0.0, **values)

        await asyncio.to_thread(change)


def _after(error: Exception, study: StudyRow) -> Released:
    """Return how a study waits after what it met; a full disk is no fault of its own, and passes."""
    if isinstance(error, OSError) and error.errno in FULL:
        _log.error("no space is left for a result", study=study.id)
        return Released("no space is left for the result", _NO_SPACE_S, counts=False)
    _log.error("unexpected error", study=study.id, error=type(error).__name__)
    return Released(f"internal error ({type(error).__name__})", 60.0, counts=True)
