"""Commands of a box that brings itself to what its channel says."""

import time
from datetime import timedelta
from typing import Annotated

import structlog
import typer

from base.errors import SettingInvalid, SidewallError
from base.log import log_failure
from fleet.agent.box import Box
from fleet.agent.planning import Manner
from fleet.agent.podman_box import PodmanBox
from fleet.agent.running import Agent
from fleet.agent.running import retry as forget
from fleet.channels.content import DIGEST
from fleet.channels.following import Follower, Look
from fleet.cli.options import Config, told
from fleet.settings import SOURCES, BoxSettings
from fleet.stores.opening import ALLOWED, opened_store

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
CHANNEL_STATE = "channel"


def agent(
    config: Config = None,
    once: Annotated[bool, typer.Option("--once", help="Look once and end; for a timer.")] = False,
    every_s: Annotated[float, typer.Option("--every", min=1.0, help="Seconds between two looks.")] = 900.0,
) -> None:
    """Bring this box to what its channel says: pull, prove, go back where it does not hold.

    With --once the exit status tells how it went: 0 all is as told, or waits for its time; 3 went back; 4 the channel,
    an image or the journal is not to be believed; 5 out of reach; 8 no room; 9 another agent is at work.

    sidewall-fleet agent --once --config /etc/sidewall/fleet.toml
    """
    with told():
        settings = SOURCES.load(file=config)
        made = make_agent(settings)
        if once:
            typer.echo(made.run())
            return
    while True:
        try:
            _log.info("looked", found=made.run())
        except SidewallError as error:
            log_failure(error)
        time.sleep(every_s)


def retry(
    digest: Annotated[str, typer.Argument(help="sha256:... that this box went back from.")], config: Config = None
) -> None:
    """Have this box try again what it went back from.

    sidewall-fleet retry sha256:4be0...
    """
    with told():
        if not DIGEST.fullmatch(digest):
            raise SettingInvalid("digest", digest, DIGEST.pattern)
        settings = SOURCES.load(file=config)
        if not forget(settings.state, digest):
            raise SettingInvalid("digest", digest, "one that this box went back from")
    typer.echo(f"{digest}: is tried again at the next look")


def make_agent(settings: BoxSettings, box: Box | None = None) -> Agent:
    """Return the agent of this machine; raises `SettingInvalid` where it follows no channel."""
    if not settings.channel:
        raise SettingInvalid("channel", settings.channel, ALLOWED)
    follower = Follower(settings.state / CHANNEL_STATE, settings.root)

    def look() -> Look:
        with opened_store(settings.channel, settings.access) as store:
            return follower.look(store, settings.ring)

    return Agent(
        state=settings.state,
        box=box or PodmanBox(settings),
        look=look,
        manner=Manner(settings.box, settings.window, timedelta(seconds=settings.spread_s)),
        reserve_bytes=int(settings.disk_reserve_mb * 1e6),
        keep=timedelta(hours=settings.keep_hours),
        tell=lambda what: _log.info("agent", what=what),
    )
