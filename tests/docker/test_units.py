"""The ways to run the image on one box: hardened, closed, and of the version that is here."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from runtime import __version__
from runtime.settings import Settings, load_settings

DOCKER = Path(__file__).parents[2] / "docker"
GRACE_S = Settings().shutdown_grace_s


MONITORING_UNITS = DOCKER / "monitoring" / "quadlet"
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
PROMETHEUS_CONFIG = yaml.safe_load((DOCKER / "monitoring" / "prometheus.yml").read_text())
SILENT_GRAFANA = {
    "GF_ANALYTICS_REPORTING_ENABLED": "false",
    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    "GF_NEWS_NEWS_FEED_ENABLED": "false",
    "GF_SECURITY_DISABLE_GRAVATAR": "true",
    "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
    "GF_PLUGINS_PREINSTALL_DISABLED": "true",
}


def unit_of(path: Path) -> dict[str, dict[str, list[str]]]:
    """Return section -> name -> values of a unit; a name may stand there more than once."""
    sections: dict[str, dict[str, list[str]]] = {}
    for line in path.read_text().splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            section.setdefault(name, []).append(value)
    return sections


@pytest.mark.parametrize("name", ["runtime", "prometheus", "grafana"])
def test_every_service_of_compose_is_hardened_and_closed(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges"]
    assert service["pids_limit"]
    assert service["mem_limit"]
    assert int(service["user"].partition(":")[0]) > 0
    assert [port for port in service["ports"] if not port.startswith("127.0.0.1:")] == []
    assert re.fullmatch(r"\S+:(v?\d+\.\d+\.\d+|\$\{VERSION:-\d+\.\d+\.\d+\})", service["image"])


def test_compose_runs_the_image_of_this_version_and_lets_it_finish() -> None:
    service = COMPOSE["services"]["runtime"]
    assert service["image"] == f"localhost/sidewall-runtime:${{VERSION:-{__version__}}}"
    assert int(service["stop_grace_period"].removesuffix("s")) > GRACE_S
    settings = load_settings({}, environment=service["environment"])
    assert (settings.listen, settings.metrics_listen) == ("0.0.0.0:50051", "0.0.0.0:9464")


def test_every_volume_and_file_that_compose_mounts_is_there() -> None:
    for name, service in COMPOSE["services"].items():
        for source in (volume.rsplit(":", 2 if volume.endswith(":ro") else 1)[0] for volume in service["volumes"]):
            if source.startswith("./"):
                assert (DOCKER / source).is_file(), name
            else:
                assert source in COMPOSE["volumes"] or source.startswith("${BUNDLE:?"), name


def test_monitoring_starts_only_when_it_is_asked_for_and_reports_to_nobody() -> None:
    services = COMPOSE["services"]
    assert "profiles" not in services["runtime"]
    assert services["prometheus"]["profiles"] == services["grafana"]["profiles"] == ["monitoring"]
    assert services["grafana"]["environment"].items() >= SILENT_GRAFANA.items()


def test_prometheus_finds_the_box_by_its_name_in_compose_and_in_the_units() -> None:
    (target,) = PROMETHEUS_CONFIG["scrape_configs"][0]["static_configs"][0]["targets"]
    host, _, port = target.partition(":")
    runtime = COMPOSE["services"]["runtime"]
    assert runtime["networks"]["default"]["aliases"] == [host]
    box = unit_of(DOCKER / "quadlet" / "sidewall.container")["Container"]
    watcher = unit_of(MONITORING_UNITS / "sidewall-prometheus.container")["Container"]
    assert box["ContainerName"] == [host]
    assert box["Network"] == watcher["Network"] == ["sidewall.network"]
    assert runtime["environment"]["SIDEWALL_METRICS_LISTEN"] == f"0.0.0.0:{port}"
    assert watcher["Image"] == [COMPOSE["services"]["prometheus"]["image"]]
    assert watcher["Exec"][0].split() == COMPOSE["services"]["prometheus"]["command"]


@pytest.mark.parametrize(
    "path",
    [DOCKER / "quadlet" / "sidewall.container", MONITORING_UNITS / "sidewall-prometheus.container"],
    ids=lambda path: path.stem,
)
def test_every_unit_is_hardened_and_closed(path: Path) -> None:
    container = unit_of(path)["Container"]
    for name in ("ReadOnly", "NoNewPrivileges"):
        assert container[name] == ["true"]
    assert container["DropCapability"] == ["all"]
    assert int(container["User"][0]) > 0
    assert all(port.startswith("127.0.0.1:") for port in container["PublishPort"])
    assert re.fullmatch(r"--memory=\S+ --pids-limit=\d+( --stop-timeout=\d+)?", container["PodmanArgs"][0])


def test_the_unit_runs_the_image_of_this_version_and_lets_it_finish() -> None:
    unit = unit_of(DOCKER / "quadlet" / "sidewall.container")
    assert unit["Container"]["Image"] == [f"localhost/sidewall-runtime:{__version__}"]
    assert unit["Container"]["Notify"] == ["true"]
    # Podman kills by its own time, 10 s where none is given; systemd's only ends podman.
    stop_s = float(unit["Container"]["PodmanArgs"][0].partition("--stop-timeout=")[2])
    assert float(unit["Service"]["TimeoutStopSec"][0]) > stop_s > GRACE_S
    environment = dict(pair.split("=", 1) for pair in unit["Container"]["Environment"][0].split())
    settings = load_settings({}, environment=environment)
    assert (settings.listen, settings.metrics_listen) == ("0.0.0.0:50051", "0.0.0.0:9464")


def test_on_a_gpu_both_ways_take_the_image_for_it_and_the_device() -> None:
    service = yaml.safe_load((DOCKER / "compose.gpu.yaml").read_text())["services"]["runtime"]
    assert service["image"] == f"localhost/sidewall-runtime-gpu:${{VERSION:-{__version__}}}"
    (device,) = service["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    container = unit_of(DOCKER / "gpu" / "sidewall.container.d" / "gpu.conf")["Container"]
    assert container["Image"] == [f"localhost/sidewall-runtime-gpu:{__version__}"]
    assert container["AddDevice"] == ["nvidia.com/gpu=all"]


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """Return a folder as `make offline-bundle` packs it, with a word in place of the image."""
    folder = tmp_path / "unpacked"
    (folder / "bundle").mkdir(parents=True)
    (folder / "bundle" / "manifest.json").write_text("{}")
    (folder / "sidewall-runtime.tar").write_text("image")
    shutil.copytree(DOCKER / "quadlet", folder / "quadlet")
    for script in ("install.sh", "generated-units.sh"):
        shutil.copy(DOCKER / script, folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = [f"{hashlib.sha256(each.read_bytes()).hexdigest()}  ./{each.relative_to(folder)}\n" for each in files]
    (folder / "SHA256SUMS").write_text("".join(sums))
    return folder


def install(unpacked: Path, root: Path, podman: str = "4.7.0") -> subprocess.CompletedProcess[str]:
    """Run the installer below a root of its own, with a podman that only notes what it is told, and writes a unit."""
    tools = root / "tools"
    tools.mkdir(parents=True, exist_ok=True)
    (tools / "podman").write_text(
        f'#!/bin/sh\n[ "$1" = version ] && echo {podman} && exit\necho "$@" >> {root}/podman.log\n'
        '[ "$1" != generate ] || printf "# container-sidewall-pattern.service\\n# autogenerated\\n# date\\n[Unit]\\n"\n'
    )
    (tools / "podman").chmod(0o755)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "DESTDIR": str(root)}
    command = ["sh", str(unpacked / "install.sh")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_installer_loads_the_image_and_lays_bundle_and_units_in_place(unpacked: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    done = install(unpacked, root)
    assert done.returncode == 0, done.stderr
    assert (root / "podman.log").read_text() == "load --quiet --input sidewall-runtime.tar\n"
    assert (root / "srv/sidewall/bundle/manifest.json").read_text() == "{}"
    assert {path.name for path in (root / "etc/containers/systemd").iterdir()} == {
        "sidewall.container",
        "sidewall-engines.volume",
        "sidewall.network",
    }
    assert install(unpacked, root).returncode == 0


def test_an_update_leaves_the_bundle_before_it_to_go_back_to(unpacked: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    install(unpacked, root)
    before = (root / "srv/sidewall/bundle").resolve()
    manifest = unpacked / "bundle" / "manifest.json"
    sums = (unpacked / "SHA256SUMS").read_text()
    manifest.write_text('{"new": 1}')
    old, new = hashlib.sha256(b"{}").hexdigest(), hashlib.sha256(manifest.read_bytes()).hexdigest()
    (unpacked / "SHA256SUMS").write_text(sums.replace(old, new))
    assert install(unpacked, root).returncode == 0
    assert (root / "srv/sidewall/bundle/manifest.json").read_text() == '{"new": 1}'
    assert (before / "manifest.json").read_text() == "{}"


def test_an_update_keeps_a_unit_that_the_site_has_changed(unpacked: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    install(unpacked, root)
    unit = root / "etc/containers/systemd/sidewall.container"
    shipped = unit.read_text()
    unit.write_text(shipped + "# of the site\n")
    done = install(unpacked, root)
    assert done.returncode == 0, done.stderr
    assert f"{unit} is kept as it is; the new one is {unit}.new" in done.stdout
    assert unit.read_text() == shipped + "# of the site\n"
    assert (unit.parent / "sidewall.container.new").read_text() == shipped


@pytest.mark.parametrize("version", ["4.7.0", "4.10.0", "5.0.0-rc1"])
def test_a_podman_that_reads_the_units_itself_gets_them(unpacked: Path, tmp_path: Path, version: str) -> None:
    assert install(unpacked, tmp_path / "root", version).returncode == 0
    assert (tmp_path / "root/etc/containers/systemd/sidewall.container").exists()
    assert not (tmp_path / "root/etc/systemd").exists()


@pytest.mark.parametrize("version", ["4.3.1", "4.6.2"])
def test_an_older_podman_writes_a_unit_of_the_same_container(unpacked: Path, tmp_path: Path, version: str) -> None:
    root = tmp_path / "root"
    done = install(unpacked, root, version)
    assert done.returncode == 0, done.stderr
    assert (root / "etc/systemd/system/sidewall.service").read_text() == "# sidewall.service\n[Unit]\n"
    assert not (root / "etc/containers").exists()
    (create,) = [line for line in (root / "podman.log").read_text().splitlines() if line.startswith("create ")]
    options, container = create.split()[1:], unit_of(DOCKER / "quadlet" / "sidewall.container")["Container"]
    assert options[-1] == container["Image"][0]
    wanted = {
        "--sdnotify=container",
        "--read-only",
        "--cap-drop=all",
        "--security-opt=no-new-privileges",
        "--user=10001:10001",
        "--network=sidewall",
        "--volume=/srv/sidewall/bundle:/bundle:ro",
        "--volume=sidewall-engines:/var/cache/sidewall",
        *container["PodmanArgs"][0].split(),
        *(f"--env={each}" for each in container["Environment"][0].split()),
        *(f"--publish={each}" for each in container["PublishPort"]),
    }
    assert wanted <= set(options)
    # What runs is left alone: the container that is read has another name.
    assert "--name=sidewall" not in options


def test_a_podman_too_old_for_any_unit_is_named_and_nothing_is_changed(unpacked: Path, tmp_path: Path) -> None:
    done = install(unpacked, tmp_path / "root", "4.2.9")
    assert done.returncode == 1
    assert "podman is 4.2.9, too old: 4.3 or newer is needed; nothing was changed" in done.stderr
    assert not (tmp_path / "root" / "srv").exists()


@pytest.mark.parametrize("name", ["quadlet/other.container", "bundle/fold_9.onnx", "left behind"])
def test_a_file_that_the_sums_do_not_name_is_refused_and_nothing_is_changed(
    unpacked: Path, tmp_path: Path, name: str
) -> None:
    (unpacked / name).write_text("foreign")
    done = install(unpacked, tmp_path / "root")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [f"./{name}"]
    assert "do not belong to this one: unpack it into an empty folder; nothing was changed" in done.stderr
    assert not (tmp_path / "root" / "srv").exists()


def test_further_images_of_the_file_are_loaded_as_well(unpacked: Path, tmp_path: Path) -> None:
    (unpacked / "images").mkdir()
    (unpacked / "images" / "prometheus.tar").write_text("image")
    with (unpacked / "SHA256SUMS").open("a") as sums:
        sums.write(f"{hashlib.sha256(b'image').hexdigest()}  ./images/prometheus.tar\n")
    assert install(unpacked, tmp_path / "root").returncode == 0
    assert (tmp_path / "root" / "podman.log").read_text().splitlines() == [
        "load --quiet --input sidewall-runtime.tar",
        "load --quiet --input images/prometheus.tar",
    ]


def test_a_damaged_file_is_named_and_nothing_is_changed(unpacked: Path, tmp_path: Path) -> None:
    (unpacked / "sidewall-runtime.tar").write_text("imagE")
    done = install(unpacked, tmp_path / "root")
    assert done.returncode == 1
    assert "sidewall-runtime.tar: FAILED" in done.stdout
    assert "the file is damaged: copy it again; nothing was changed" in done.stderr
    assert not (tmp_path / "root" / "srv").exists()
    assert not (tmp_path / "root" / "podman.log").exists()
