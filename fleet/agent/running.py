"""One run of the agent: what was begun first, then what was proved lately, then what the channel says."""

import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from base import durable
from base.errors import DiskFull, SettingInvalid
from base.failpoints import reach
from base.system_errors import system_error
from fleet.agent.box import Box, Placed
from fleet.agent.journal import JournalFile
from fleet.agent.planning import Manner, Plan, make_plan
from fleet.agent.updating import Updating
from fleet.channels.content import Image
from fleet.channels.following import Look
from fleet.errors import AgentTaken, NotReady

_LOCK: Final = "agent.lock"


def _now() -> datetime:
    return datetime.now(UTC).astimezone()


@dataclass(frozen=True)
class Agent:
    """One box's agent. It asks its channel, and nobody asks it."""

    state: Path
    """Folder of what it remembers."""

    box: Box
    look: Callable[[], Look]
    """Asks the channel; raises `ChannelRejected` or `RegistryFailed`, and what runs goes on."""

    manner: Manner
    reserve_bytes: int
    """Room that a pull has to leave."""

    keep: timedelta
    """For how long something new has to be good before what ran before it is taken away."""

    clock: Callable[[], datetime] = field(default=_now)
    tell: Callable[[str], None] = field(default=lambda _: None)

    def run(self) -> str:
        """Do what there is to do and return what that was.

        Raises `WentBack` where what was new did not hold, `NotReady` where what ran before does not serve either,
        `DiskFull`, `ImageRefused`, `AgentTaken`, `JournalRejected`, and what `look` raises.
        """
        with _alone(self.state):
            updating = Updating(self.box, JournalFile(self.state), self.clock, self.tell)
            updating.resume()
            plan = self._rescue(updating)
            if plan is None:
                self._watch(updating)
                plan = self._plan(updating)
            if plan.images:
                self._bring(updating, plan.images)
                return "; ".join((f"now runs {_named(plan.images)}", *plan.waits))
            return "; ".join(plan.waits) or "runs what it is told"

    def _rescue(self, updating: Updating) -> Plan | None:
        """Finish what was begun; where neither the new nor the old serves, return what else the channel has."""
        try:
            updating.finish()
        except NotReady:
            plan = self._plan(updating)
            if not plan.images:
                raise
            return plan
        return None

    def _plan(self, updating: Updating) -> Plan:
        found = self.look()
        for fault in found.faults:
            self.tell(f"not believed: {fault}")
        return make_plan(found, self.box.installed(), updating.journal, self.manner, self.clock())

    def _bring(self, updating: Updating, images: Mapping[str, Image]) -> None:
        """Check the room for everything, pull everything, and only then change anything."""
        needed = sum(self.box.needed_bytes(name, image) for name, image in images.items())
        free = self.box.free_bytes()
        if needed + self.reserve_bytes > free:
            said = f"{_named(images)} takes {_megabytes(needed)}, {_megabytes(self.reserve_bytes)} have to stay"
            raise DiskFull("the disk of the images", f"{said}, {_megabytes(free)} are free")
        for name, image in images.items():
            self.tell(f"pulls {name} {image.version} {image.digest}")
            self.box.pull(name, image)
            reach("agent.pulled")
        installed = self.box.installed()
        to = {
            name: Placed(image.digest, image.version, self.box.reference(name, image)) for name, image in images.items()
        }
        updating.begin(to, {name: installed[name] for name in to})
        updating.finish()

    def _watch(self, updating: Updating) -> None:
        """Go back from what was proved and has failed within its first day; take away what is not needed any more."""
        kept = {name: good for name, good in updating.journal.good.items() if good.before}
        trials = {name for name, good in kept.items() if self.clock() - good.since < self.keep}
        broken = {name: reason for name in sorted(trials) if (reason := self.box.broken(name)) is not None}
        if broken:
            updating.turn_back_from(broken)
            updating.finish()
        for name in kept.keys() - trials:
            updating.forget_before(name)


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Hold the box alone; the lock ends with the process, however that ends."""
    file = state / _LOCK
    try:
        durable.make_folder(state)
        lock = file.open("wb")
    except OSError as error:
        raise system_error(error, str(state)) or _no_state(state) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AgentTaken(f"another agent is at work here: it holds {file}") from error
        yield


def _no_state(state: Path) -> SettingInvalid:
    return SettingInvalid("state", str(state), "a folder that this user may make and write")


def retry(state: Path, digest: str, clock: Callable[[], datetime] = _now) -> bool:
    """Forget that a box went back from a digest, so that it is tried again; return whether it was remembered."""
    with _alone(state):
        file = JournalFile(state)
        journal = file.read()
        if digest not in journal.bad:
            return False
        now = clock().astimezone(UTC).replace(microsecond=0)
        bad = journal.bad[digest]
        file.write(journal.without_bad(digest).noting(now, f"to be tried again: {bad.component} {bad.version}"))
    return True


def _named(images: Mapping[str, Image]) -> str:
    return ", ".join(f"{name} {image.version}" for name, image in images.items())


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
