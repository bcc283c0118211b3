"""A disk that fills, or goes away, under a server: told by name in log, metrics and health, and no case is lost."""

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
import sidewall
from structlog.testing import capture_logs

from base.storage_watch import LOG, StorageWatch
from runtime.bundle.loading import load_bundle
from runtime.inference.model import load_model
from runtime.serving.server import Server
from runtime.settings import Settings
from tests.fixtures.disks import fill, mount, small_disk
from tests.fixtures.processes import TinyBundle, run_sidewall, running_server
from tests.fixtures.proxies import open_directly

Told = list[tuple[str, bool]]


def look(watch: StorageWatch, told: Told) -> list[dict[str, object]]:
    """Look once; return what was logged, and leave in `told` what was told."""
    told.clear()
    with capture_logs() as logged:
        watch.look()
    return [dict(entry) for entry in logged]


def test_a_disk_that_fills_is_told_once_and_again_when_there_is_room(tmp_path: Path) -> None:
    told: Told = []
    with small_disk(tmp_path / "disk", 256) as disk:
        watch = StorageWatch({"engine_cache": disk / "engines"}, lambda name, usable: told.append((name, usable)))
        assert look(watch, told) == []
        assert told == [("engine_cache", True), (LOG, True)]
        fill(disk)
        (entry,) = look(watch, told)
        assert (entry["log_level"], entry["place"], entry["code"]) == ("warning", "engine_cache", "disk_full")
        assert str(entry["what"]).startswith(f"{disk / 'engines'}: no space is left")
        assert told[0] == ("engine_cache", False)
        assert look(watch, told) == []
        assert told[0] == ("engine_cache", False)
        (disk / "others").unlink()
        (entry,) = look(watch, told)
        assert (entry["log_level"], entry["what"]) == ("info", "it can be written again")
        assert told[0] == ("engine_cache", True)


def test_a_disk_that_turns_read_only_is_told_and_one_that_is_so_from_the_start_is_not(tmp_path: Path) -> None:
    told: Told = []
    with small_disk(tmp_path / "disk", 256) as disk:
        before = StorageWatch({"bundle_store": disk}, lambda name, usable: told.append((name, usable)))
        mount(disk, "-o", "remount,ro")
        (entry,) = look(before, told)
        assert (entry["place"], entry["code"]) == ("bundle_store", "read_only_storage")
        after = StorageWatch({"bundle_store": disk}, lambda name, usable: told.append((name, usable)))
        assert look(after, told) == []
        assert told == [(LOG, True)]


def test_a_server_on_full_disks_says_so_and_goes_on(bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "engines", 4096) as engines,
        small_disk(tmp_path / "log", 64) as log,
        running_server(
            bundle, log, SIDEWALL_ENGINE_CACHE=str(engines), SIDEWALL_METRICS_LISTEN="127.0.0.1:0"
        ) as server,
    ):
        address = server.wait_for_entry(lambda entry: entry["event"] == "metrics")["address"]
        fill(engines)
        entry = server.wait_for_entry(lambda entry: entry["event"] == "storage")
        assert (entry["place"], entry["code"]) == ("engine_cache", "disk_full")
        fill(log)
        with sidewall.Client(server.address) as client:
            assert client.analyze_series(series).findings["status"] == "positive"
        health = run_sidewall(bundle, "health", "--listen", server.address)
        assert (health.returncode, health.stdout) == (0, f"serving at {server.address}\n")
        assert health.stderr.startswith("warning: a disk of the server is full or gone")
        with open_directly(f"http://{address}/metrics") as answer:
            metrics = answer.read().decode()
        assert 'sidewall_storage_usable{place="engine_cache"} 0.0' in metrics


class _WithoutDescriptors:
    """A fold in a process that may open no more files."""

    def infer(self, tiles: object) -> NoReturn:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def rest(self) -> None:
        """Hold nothing."""


def test_a_caller_is_told_what_the_system_refused_and_may_try_again(bundle: TinyBundle, series: Path) -> None:
    model = load_model(load_bundle(bundle.path, bundle.trusted_keys), "onnxruntime-cpu", threads=1)
    with Server(Settings(listen="127.0.0.1:0")) as server, sidewall.Client(server.address) as client:
        server.open(replace(model, folds=(_WithoutDescriptors(),) * model.fold_count))
        with pytest.raises(sidewall.ServerUnreachable, match="the server: no more files may be opened") as caught:
            client.analyze_series(series)
    assert caught.value.code == "too_many_open_files"
