"""A box looks at itself: a real engine, a real ledger, real containers; and each of them gone."""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from base.errors import SettingInvalid
from fleet.inventory.reporting import look_at_box
from fleet.settings import SOURCES, BoxSettings
from gateway.ledger.ledger import Ledger
from gateway.settings import load_settings
from tests.fixtures.file_server import serving
from tests.fixtures.processes import make_bundle, running_server

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
_CONTAINERS = """[containers]
default_ulimits = ["nofile=1024:20000", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
"""
_STORAGE = """[storage]
driver = "vfs"
graphroot = "{folder}/graph"
runroot = "{folder}/run"
"""


def bare(tmp_path: Path, **settings: object) -> BoxSettings:
    """Return the settings of a box without engine, gateway and podman."""
    nobody = {"engine_metrics": "", "gateway_status": "", "engine_container": "", "gateway_container": ""}
    given = {"box": "north-1", "ring": "canary", "state": tmp_path / "state", "disk": tmp_path} | nobody | settings
    return BoxSettings(**given)  # type: ignore[arg-type]


def test_the_engine_tells_its_self_test_and_the_store_its_bundle(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path)
    store = tmp_path / "store"
    (store / f"sha256-{'c' * 64}").mkdir(parents=True)
    (store / "current").symlink_to(f"sha256-{'c' * 64}")
    settings = {"SIDEWALL_METRICS_LISTEN": "127.0.0.1:0", "SIDEWALL_ENGINE_CACHE": str(tmp_path / "engines")}
    with running_server(bundle, tmp_path, **settings) as server:
        (address,) = [each["address"] for each in server.log() if each["event"] == "metrics"]
        status = look_at_box(bare(tmp_path, engine_metrics=address, bundle_store=store), now=NOW)
    assert status.silent == ()
    assert status.self_test_passed is True
    assert status.running["bundle"].digest == f"sha256:{'c' * 64}"
    assert status.running["bundle"].version == "1.0.0"
    assert status.drift_ratio is None  # No image yet.
    assert status.certificate_days is None
    assert status.disk_bytes == shutil.disk_usage(tmp_path).total


def test_the_gateway_tells_its_queue_and_the_head_of_its_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDEWALL_GATEWAY_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    command = f"{sys.executable} -m gateway status --json"
    assert look_at_box(bare(tmp_path, gateway_status=command), now=NOW).silent == ("gateway",)  # It never started.
    (tmp_path / "spool").mkdir(exist_ok=True)
    Ledger(load_settings().ledger_url, "test").close()
    status = look_at_box(bare(tmp_path, gateway_status=command), now=NOW)
    assert status.silent == ()
    assert (status.queue_oldest_s, status.audit_entry) == (0.0, 0)


def test_whoever_gives_no_answer_is_named_and_the_status_comes_all_the_same(tmp_path: Path) -> None:
    settings = bare(
        tmp_path,
        engine_metrics="127.0.0.1:1",
        gateway_status=f"{sys.executable} -c exit(1)",
        engine_container="no-such-container-at-all",
        bundle_store=tmp_path / "nothing",
        disk=tmp_path / "nothing",
    )
    status = look_at_box(settings, now=NOW)
    assert status.silent == ("engine", "gateway", "podman", "bundle_store", "disk")
    assert (status.self_test_passed, status.queue_oldest_s, status.running) == (None, None, {})


def test_the_time_since_when_something_runs_outlives_silence_and_ends_with_the_digest(tmp_path: Path) -> None:
    store = tmp_path / "store"
    settings = bare(tmp_path, bundle_store=store)

    def since(character: str | None, hours: float) -> datetime | None:
        shutil.rmtree(store, ignore_errors=True)
        if character is not None:
            store.mkdir()
            (store / "current").symlink_to(f"sha256-{character * 64}")
        found = look_at_box(settings, now=NOW + timedelta(hours=hours)).running.get("bundle")
        return None if found is None else found.since

    assert since("a", 0) == NOW
    assert since("a", 1) == NOW
    assert since(None, 2) is None
    assert since("a", 3) == NOW
    assert since("b", 4) == NOW + timedelta(hours=4)
    assert since("a", 5) == NOW + timedelta(hours=5)
    (tmp_path / "state" / "running.json").write_text("{")
    assert since("a", 6) == NOW + timedelta(hours=6)


def test_the_median_distance_of_images_is_linear_inside_its_bucket(tmp_path: Path) -> None:
    # Of 20 images 4 lie up to 0.5, 14 up to 1: the tenth is 6 of 10 into the bucket from 0.5 to 1, by hand 0.8.
    buckets = {"0.5": 4, "1.0": 14, "+Inf": 20}
    lines = [f'sidewall_input_distance_ratio_bucket{{le="{upper}"}} {count}.0' for upper, count in buckets.items()]
    (tmp_path / "metrics").write_text("\n".join([*lines, "sidewall_golden_case_passed 0.0"]))
    with serving(tmp_path) as address:
        status = look_at_box(bare(tmp_path, engine_metrics=address.removeprefix("http://")), now=NOW)
    assert status.drift_ratio == 0.8
    assert status.self_test_passed is False


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder with podman's own storage, apart from this machine's."""
    if shutil.which("podman") is None or shutil.which("runc") is None or os.geteuid() != 0:
        pytest.skip("podman and runc, as root, are not here")
    for name, text in (("STORAGE_CONF", _STORAGE.format(folder=tmp_path)), ("CONF", _CONTAINERS)):
        (tmp_path / name).write_text(text)
        monkeypatch.setenv(f"CONTAINERS_{name}", str(tmp_path / name))
    yield tmp_path
    subprocess.run(["podman", "rm", "-f", "-t", "0", "sidewall"], check=True, capture_output=True)


def test_podman_tells_the_digest_of_what_really_runs(podman: Path) -> None:
    files = [Path("/bin/sleep"), *sorted(Path("/").glob("lib*/**/libc.so.6")), *Path("/lib64").glob("ld-linux*.so*")]
    with tarfile.open(podman / "image.tar", "w", dereference=True) as tar:
        for file in files:
            tar.add(file, str(file).lstrip("/"))

    def do(*arguments: str) -> str:
        done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    do("import", "-c", "LABEL org.opencontainers.image.version=1.4.0", str(podman / "image.tar"), "localhost/sleep:1")
    digest = do("image", "inspect", "--format", "{{.Digest}}", "localhost/sleep:1")
    do("create", "--network", "none", "--name", "sidewall", "localhost/sleep:1", "/bin/sleep", "1000")
    settings = bare(podman, engine_container="sidewall")
    assert look_at_box(settings, now=NOW).running == {}
    do("start", "sidewall")
    engine = look_at_box(settings, now=NOW).running["engine"]
    assert (engine.digest, engine.version, engine.since) == (digest, "1.4.0", NOW)


def test_settings_of_a_box_say_what_is_allowed(tmp_path: Path) -> None:
    for name, value, said in (
        ("BOX", "North 1", r"setting box is 'North 1'; allowed: a name"),
        ("RING", "beta", "allowed: canary or early or all"),
        ("PATIENCE_S", "0", "allowed: 1.0 to 600.0"),
    ):
        with pytest.raises(SettingInvalid, match=said):
            SOURCES.load(environment={f"SIDEWALL_FLEET_{name}": value})
