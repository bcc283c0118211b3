"""One update as a machine of states: drain, switch, prove; or back.

The journal says what is not done yet, and is written before the next thing is begun. Every step may be done again, so
an agent that was ended anywhere, by a power cut too, reads the journal and goes on, or goes back.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from base.errors import SidewallError
from base.failpoints import reach
from fleet.agent.box import Box, Placed
from fleet.agent.journal import MOST_BAD, Attempt, Bad, Good, Journal, JournalFile, Step
from fleet.errors import NotReady, WentBack

MOST_INTERRUPTIONS: Final = 3
"""So often may an agent be ended while it proves something: what takes the whole machine down is not tried for ever."""

_SHARED: Final[Mapping[str, tuple[str, ...]]] = {"engine": ("engine", "bundle"), "gateway": ("gateway",)}
"""Where a fault shows -> what may be to blame for it."""


class Updating:
    """The steps of an update on one box."""

    def __init__(
        self, box: Box, file: JournalFile, clock: Callable[[], datetime], tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self._box, self._file, self._clock, self._tell = box, file, clock, tell
        self.journal = file.read()

    def begin(self, to: Mapping[str, Placed], back: Mapping[str, Placed]) -> None:
        """Begin with images that are on the box; `back` is what the same components are now."""
        attempt = Attempt(Step.DRAIN, dict(to), dict(back), self._now())
        self._keep(replace(self.journal, attempt=attempt), f"begins: {_shown(to, back)}")

    def resume(self) -> None:
        """Count that the agent was ended in the middle, and go back where that has happened too often."""
        attempt = self.journal.attempt
        if attempt is None or attempt.step not in (Step.SWITCH, Step.PROVE):
            return
        attempt = replace(attempt, interruptions=attempt.interruptions + 1)
        self._keep(replace(self.journal, attempt=attempt), f"goes on after it was ended: {attempt.step}")
        if attempt.interruptions >= MOST_INTERRUPTIONS:
            self._turn_back(attempt, NotReady(None, f"the agent was ended {attempt.interruptions} times while proving"))

    def finish(self) -> None:
        """Do every step that is left; raises `WentBack`, and `NotReady` where what ran before does not serve either."""
        while (attempt := self.journal.attempt) is not None:
            reach(f"agent.{attempt.step}")
            match attempt.step:
                case Step.DRAIN:
                    self._box.drain(tuple(attempt.to))
                    self._go(attempt, Step.SWITCH)
                case Step.SWITCH | Step.PROVE:
                    self._forward(attempt)
                case Step.BACK:
                    self._go_back(attempt)

    def turn_back_from(self, broken: Mapping[str, str]) -> None:
        """Begin to go back from what was proved and has failed while still on trial: component -> how it shows."""
        good = {name: self.journal.good[name] for name in broken}
        to = {name: each.placed for name, each in good.items()}
        back = {name: each.before[-1] for name, each in good.items()}
        reason = "; ".join(f"{name}: {why}" for name, why in broken.items())
        self._turn_back(Attempt(Step.BACK, to, back, self._now()), NotReady(None, reason))

    def forget_before(self, component: str) -> None:
        """Take away what was kept of a component; its newest has been good for long enough."""
        good = self.journal.good[component]
        for placed in good.before:
            self._box.remove(component, placed)
        kept = dict(self.journal.good) | {component: replace(good, before=())}
        names = ", ".join(placed.version for placed in good.before)
        self._keep(replace(self.journal, good=kept), f"{component} {good.placed.version} has held; {names} is removed")

    def _forward(self, attempt: Attempt) -> None:
        try:
            if attempt.step is Step.SWITCH:
                self._box.switch({name: placed.reference for name, placed in attempt.to.items()})
                self._go(attempt, Step.PROVE)
                return
            self._box.check_ready(attempt.to)
            self._box.check_through()
            self._box.check_steady(tuple(attempt.to))
        except SidewallError as error:
            self._turn_back(attempt, error)
        else:
            self._settle(attempt)

    def _settle(self, attempt: Attempt) -> None:
        good = dict(self.journal.good)
        for name, placed in attempt.to.items():
            before = good[name].before if name in good else ()
            kept = (*(each for each in before if each.digest != placed.digest), attempt.back[name])
            good[name] = Good(placed, self._now(), kept)
        self._keep(replace(self.journal, attempt=None, good=good), f"proved: {_shown(attempt.to, attempt.back)}")

    def _turn_back(self, attempt: Attempt, fault: SidewallError) -> None:
        """Remember what is bad, and with the same write that the way now leads back."""
        blamed = _SHARED.get(fault.component or "", ()) if isinstance(fault, NotReady) else ()
        named = [name for name in attempt.to if name in blamed] or list(attempt.to)
        now = self._now()
        bad = dict(self.journal.bad)
        for name in named:
            placed = attempt.to[name]
            bad.pop(placed.digest, None)
            bad[placed.digest] = Bad(name, placed.version, now, str(fault))
        bad = dict(sorted(bad.items(), key=lambda item: item[1].at)[-MOST_BAD:])
        back = replace(attempt, step=Step.BACK)
        self._keep(replace(self.journal, attempt=back, bad=bad), f"goes back: {fault}")

    def _go_back(self, attempt: Attempt) -> None:
        """Run what ran before. It has to serve; where the whole path fails with it as well, that is told."""
        self._box.switch({name: placed.reference for name, placed in attempt.back.items()})
        self._box.check_ready(attempt.back)
        try:
            self._box.check_through()
            said = ""
        except NotReady as error:
            said = f"; with it too {error}: the image may not be to blame"
        good = dict(self.journal.good)
        for name, placed in attempt.back.items():
            if name in good and good[name].placed.digest == attempt.to[name].digest:
                good[name] = Good(placed, self._now(), tuple(each for each in good[name].before if each != placed))
        for name, placed in attempt.to.items():
            self._box.remove(name, placed)
        what = f"went back: {_shown(attempt.back, attempt.to)}{said}"
        self._keep(replace(self.journal, attempt=None, good=good), what)
        raise WentBack(what)

    def _go(self, attempt: Attempt, step: Step) -> None:
        self._keep(replace(self.journal, attempt=replace(attempt, step=step)), f"next: {step}")

    def _keep(self, journal: Journal, what: str) -> None:
        journal = journal.noting(self._now(), what)
        self._file.write(journal)
        self.journal = journal
        self._tell(what)

    def _now(self) -> datetime:
        return self._clock().astimezone(UTC).replace(microsecond=0)


def _shown(to: Mapping[str, Placed], back: Mapping[str, Placed]) -> str:
    return ", ".join(f"{name} {back[name].version} -> {placed.version}" for name, placed in to.items())
