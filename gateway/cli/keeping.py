"""Commands that keep the ledger: copy it, bring it back, look whether all is right, mend what is not."""

import os
import shutil
import sqlite3
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy import select

from base import durable
from base.errors import SettingInvalid
from gateway.cli.asking import AsJson, Config, opened, storing_at, tell
from gateway.errors import WrongState
from gateway.ledger import history
from gateway.ledger.claims import take_back_studies
from gateway.ledger.ledger import Ledger
from gateway.ledger.outbox import take_back_deliveries
from gateway.ledger.schema import instances
from gateway.settings import GatewaySettings
from gateway.site.file import read_site
from gateway.spool import Spool

_LEDGER: Final = "ledger.sqlite"
_FOLDERS: Final = ("instances", "cases")
"""What a copy holds."""


def backup(
    folder: Annotated[Path, typer.Argument(help="New folder for the copy.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Copy the ledger as it is at one moment, while the gateway runs, and then spool and results.

    In this order every file that the copied ledger knows is there, but for what its terms have removed meanwhile.
    """
    with opened(config) as (settings, ledger), storing_at(folder):
        file = _file_of(settings)
        if folder.exists():
            raise SettingInvalid("folder", str(folder), "a folder that is not there yet")
        folder.mkdir(parents=True)
        with sqlite3.connect(file) as source, sqlite3.connect(folder / _LEDGER) as copy:
            source.backup(copy)
        copy.close()
        source.close()
        durable.sync_file(folder / _LEDGER)
        for name in _FOLDERS:
            _copy(settings.spool / name, folder / name)
        os.sync()
        head = ledger.head()
    tell(
        {"folder": str(folder.absolute()), "history": asdict(head)},
        f"copied; history to entry {head.seq}, {head.digest}",
        as_json,
    )


def restore(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder that `backup` made.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Bring a copy back into an empty spool."""
    with opened(config, makes=True) as (settings, ledger):
        file = _file_of(settings)
        if not (folder / _LEDGER).is_file():
            raise SettingInvalid("folder", str(folder), f"one that `backup` made: it holds {_LEDGER}")
        if ledger.head().seq:
            raise WrongState(f"{file} holds a ledger already; allowed: a spool without one")
        ledger.close()
        for suffix in ("", "-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        for name in _FOLDERS:
            _copy(folder / name, settings.spool / name)
        # What the ledger knows must not be lost by a power cut that it survives.
        os.sync()
        durable.write_file(file, (folder / _LEDGER).read_bytes())
        restored = Ledger(settings.ledger_url, f"{settings.name}-command")
        head = restored.head()
        restored.close()
    tell({"spool": str(settings.spool), "history": asdict(head)}, f"restored into {settings.spool}", as_json)


def doctor(config: Config = None, as_json: AsJson = False) -> None:
    """Look whether the settings, the site file, the chain of changes and the spool are right; exit 1 where not."""
    with opened(config, makes=True) as (settings, ledger):
        site = read_site(settings.site)
        faults = _faults(settings, ledger)
    counts = {"rules": len(site.rules), "engines": len(site.engines)}
    said = [f"ok: site file {site.version}, {counts['rules']} rules, {counts['engines']} engines"]
    said += [f"fault: {fault}" for fault in faults] or ["ok: chain of changes, spool"]
    tell({"site": {"version": site.version, **counts}, "faults": faults}, "\n".join(said), as_json)
    if faults:
        raise typer.Exit(1)


def repair(config: Config = None, as_json: AsJson = False) -> None:
    """Take back what processes that are gone had taken, and forget instances whose files are lost.

    The gateway must not run: it holds the spool.
    """
    with opened(config) as (settings, _):
        spool = Spool(settings.spool, settings.name)
        ledger = Ledger(settings.ledger_url, settings.name)
        try:
            studies, deliveries = take_back_studies(ledger), take_back_deliveries(ledger)
            lost = _lost(settings, ledger)
            with ledger.change("repair") as connection:
                connection.execute(instances.delete().where(instances.c.id.in_([each for each, _ in lost])))
        finally:
            ledger.close()
            spool.close()
    tell(
        {"studies_taken_back": studies, "deliveries_taken_back": deliveries, "instances_forgotten": len(lost)},
        f"taken back: {studies} studies, {deliveries} deliveries; forgotten: {len(lost)} instances without a file",
        as_json,
    )


def _copy(source: Path, target: Path) -> None:
    """Copy a folder; what is removed meanwhile, by its terms or because it is whole now, is left out."""
    for folder, _, names in os.walk(source):
        there = target / Path(folder).relative_to(source)
        there.mkdir(parents=True, exist_ok=True)
        for name in names:
            with suppress(FileNotFoundError):
                shutil.copy2(Path(folder) / name, there / name)


def _faults(settings: GatewaySettings, ledger: Ledger) -> list[str]:
    with ledger.read() as connection:
        broken = history.first_fault(connection)
    lost = _lost(settings, ledger)
    found = [f"chain of changes: {broken}"] if broken else []
    return found + ([f"{len(lost)} instances have lost their file, such as {lost[0][1]}"] if lost else [])


def _lost(settings: GatewaySettings, ledger: Ledger) -> list[tuple[int, str]]:
    with ledger.read() as connection:
        rows = connection.execute(select(instances.c.id, instances.c.path).where(instances.c.path != "")).all()
    return [(row.id, row.path) for row in rows if not (settings.spool / row.path).is_file()]


def _file_of(settings: GatewaySettings) -> Path:
    """Return the file of the ledger; raises `WrongState` where the ledger is in a database of its own."""
    if settings.ledger_file is None:
        raise WrongState("the ledger is no file of the spool; allowed: the tools of its own database, such as pg_dump")
    return settings.ledger_file
