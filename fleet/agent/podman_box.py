"""A box as it is: images by podman, units by systemd, bundles by the engine's own command."""

import json
import shlex
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from base.errors import DiskFull, SettingInvalid
from base.system_errors import system_error
from fleet.agent import host, units
from fleet.agent.box import Placed
from fleet.agent.idling import wait_until_idle
from fleet.agent.policy import require_enforcing
from fleet.agent.sizes import compressed_bytes
from fleet.channels.content import DIGEST, Image
from fleet.errors import HostFailed, ImageRefused, NotReady
from fleet.settings import BoxSettings
from trust.errors import RegistryFailed

_SHIPPED: Final = {"engine": "sidewall-runtime", "gateway": "sidewall-gateway"}
"""Last word of the names under which images are installed by hand."""

_VERSION_LABEL: Final = "org.opencontainers.image.version"
_UNPACKED: Final = 5
"""Room that an image takes for each byte of its compressed layers: 3.3 unpacked, as measured, and those themselves."""

_BUNDLE_UNPACKED: Final = 3
_REFUSED: Final = ("source image rejected", "signature", "policy requirements")
_FULL: Final = "no space left"
_RESTARTS_TOO_OFTEN: Final = 5
_ASK_AGAIN_S: Final = 2.0
_STOP_S: Final = 120.0


class PodmanBox:
    """This machine (a `Box`)."""

    def __init__(self, settings: BoxSettings) -> None:
        self._settings = settings
        self._repositories = {
            "engine": settings.engine_image,
            "gateway": settings.gateway_image,
            "bundle": settings.bundle_artifact,
        }
        self._files = {"engine": settings.engine_unit_file, "gateway": settings.gateway_unit_file}
        self._engine_image = ""

    def installed(self) -> dict[str, Placed]:
        """Return what the units' files and the bundle store name."""
        found = {}
        for component in ("engine", "gateway"):
            if self._repositories[component]:
                reference = units.image_of(self._files[component], self._names(component))
                found[component] = self._described(reference)
        store = self._settings.bundle_store
        if self._repositories["bundle"]:
            if store is None:
                raise SettingInvalid("bundle_store", None, "the folder of pulled bundles, with bundle_artifact")
            found["bundle"] = _bundle_of(store)
        return found

    def reference(self, component: str, image: Image) -> str:
        """Return HOST/NAME@DIGEST."""
        return f"{self._repositories[component]}@{image.digest}"

    def free_bytes(self) -> int:
        """Return the room on the disk that the settings name."""
        try:
            return shutil.disk_usage(self._settings.disk).free
        except OSError as error:
            raise system_error(error) or SettingInvalid(
                "disk", str(self._settings.disk), "a place that is there"
            ) from error

    def needed_bytes(self, component: str, image: Image) -> int:
        """Return an upper bound by the sizes that the registry says."""
        if self._is_here(component, image):
            return 0
        size = self._compressed_bytes(component, self.reference(component, image))
        return size * (_BUNDLE_UNPACKED if component == "bundle" else _UNPACKED)

    def pull(self, component: str, image: Image) -> None:
        """Pull by digest; podman holds the signature against its policy, the engine's command the bundle's."""
        reference = self.reference(component, image)
        if component == "engine":
            self._engine_image = reference
        if self._is_here(component, image):
            return
        if component == "bundle":
            self._fetch_bundle(reference)
        else:
            self._fetch_image(component, reference)

    def drain(self, components: tuple[str, ...]) -> None:
        """Wait until the engine has no case under way; what comes after that its own stop hands back."""
        if {"engine", "bundle"} & set(components) and self._settings.engine_metrics:
            wait_until_idle(self._settings.engine_metrics, self._settings.drain_s)

    def switch(self, references: Mapping[str, str]) -> None:
        """Write the units, choose the bundle, restart what does not run what it should."""
        for component in ("engine", "gateway"):
            if component in references:
                units.set_image(self._files[component], self._names(component), references[component])
        if "engine" in references:
            self._engine_image = references["engine"]
        if "bundle" in references:
            self._use(references["bundle"])
        host.must(["systemctl", "daemon-reload"], self._settings.patience_s)
        if "engine" in references or "bundle" in references:
            self._restart("engine", references.get("engine"), is_wanted="bundle" in references)
        if "gateway" in references:
            self._restart("gateway", references["gateway"], is_wanted=False)

    def check_ready(self, wanted: Mapping[str, Placed]) -> None:
        """Ask each for its health until it answers, and podman which image really runs."""
        for component in ("engine", "gateway"):
            if component in wanted or (component == "engine" and "bundle" in wanted):
                self._wait_until_healthy(component)
        for component, placed in wanted.items():
            runs = _bundle_of(self._store()).digest if component == "bundle" else self._running(component)
            if placed.digest and runs != placed.digest:
                raise NotReady(component, f"{runs or 'nothing'} runs, not {placed.digest}")

    def check_through(self) -> None:
        """Run the command of the self-test, where there is one."""
        command = shlex.split(self._settings.self_test)
        if not command:
            return
        ended = host.run(command, self._settings.self_test_s)
        if ended.status != 0:
            raise NotReady(None, f"the self-test failed: {ended.complaint}")

    def check_steady(self, components: tuple[str, ...]) -> None:
        """See that systemd has started none of them again, and none has ended, after a while."""
        watched = {self._unit(each): each for each in components}
        before = {unit: host.shown(unit, "InvocationID") for unit in watched}
        time.sleep(self._settings.steady_s)
        for unit, component in watched.items():
            state, *now = host.shown(unit, "ActiveState", "InvocationID")
            if state != "active" or now != before[unit]:
                raise NotReady(component, f"{unit} did not stay: it is {state}")

    def broken(self, component: str) -> str | None:
        """Return what systemd says of a unit that it has given up, or starts again and again."""
        state, result, restarts = host.shown(self._unit(component), "ActiveState", "Result", "NRestarts")
        if state == "failed":
            return f"{self._unit(component)} has failed ({result})"
        if state == "activating" and int(restarts or 0) >= _RESTARTS_TOO_OFTEN:
            return f"{self._unit(component)} is started again and again ({result})"
        return None

    def remove(self, component: str, placed: Placed) -> None:
        """Ask podman, or the engine's command, to remove it; both refuse what is in use."""
        if component == "bundle":
            host.run([*self._bundle_words(), "remove", placed.digest], self._settings.ready_s)
        else:
            host.run(["podman", "image", "rm", placed.reference], self._settings.ready_s)

    def _compressed_bytes(self, component: str, reference: str) -> int:
        return compressed_bytes(reference, self._settings.access)

    def _fetch_image(self, component: str, reference: str) -> None:
        require_enforcing(self._settings.signature_policy, self._repositories[component])
        options = [f"--signature-policy={self._settings.signature_policy}"]
        if self._settings.registry_auth_file is not None:
            options.append(f"--authfile={self._settings.registry_auth_file}")
        if self._settings.registry_plain_http:
            options.append("--tls-verify=false")
        ended = self._bounded(["podman", "pull", "--quiet", *options, reference], reference)
        if ended.status != 0:
            raise refused_image(reference, ended)

    def _fetch_bundle(self, reference: str) -> None:
        self._bundle("pull", reference)

    def _names(self, component: str) -> tuple[str, ...]:
        return (self._repositories[component].rpartition("/")[2], _SHIPPED[component])

    def _unit(self, component: str) -> str:
        return units.service_of(self._files["gateway" if component == "gateway" else "engine"])

    def _described(self, reference: str) -> Placed:
        ended = host.run(["podman", "image", "inspect", reference], self._settings.patience_s)
        if ended.status != 0:
            return Placed(reference.partition("@")[2], "unknown", reference)
        (image,) = json.loads(ended.out)
        named = reference.partition("@")[2]
        return Placed(
            named or str(image["Digest"]), str((image["Labels"] or {}).get(_VERSION_LABEL, "unknown")), reference
        )

    def _is_here(self, component: str, image: Image) -> bool:
        if component == "bundle":
            return (self._store() / image.digest.replace(":", "-")).is_dir()
        wanted = ["podman", "image", "exists", self.reference(component, image)]
        return host.run(wanted, self._settings.patience_s).status == 0

    def _running(self, component: str) -> str:
        """Return the digest of the image of the container that runs; empty where none does."""
        container = getattr(self._settings, f"{component}_container")
        asked = ["podman", "container", "inspect", "--format={{.State.Running}} {{.Image}}", container]
        ended = host.run(asked, self._settings.patience_s)
        is_running, _, image = ended.out.strip().partition(" ")
        if ended.status != 0 or is_running != "true":
            return ""
        return host.must(
            ["podman", "image", "inspect", "--format={{.Digest}}", image], self._settings.patience_s
        ).strip()

    def _restart(self, component: str, reference: str | None, *, is_wanted: bool) -> None:
        unit = self._unit(component)
        if not is_wanted and reference is not None:
            wanted = self._described(reference).digest
            if host.shown(unit, "ActiveState") == ["active"] and self._running(component) == wanted:
                return
        host.run(["systemctl", "reset-failed", unit], self._settings.patience_s)
        ended = host.run(["systemctl", "restart", unit], self._settings.ready_s + _STOP_S)
        if ended.status != 0:
            raise NotReady(component, f"{unit} does not start: {host.shown(unit, 'Result')[0]}")

    def _wait_until_healthy(self, component: str) -> None:
        command = shlex.split(getattr(self._settings, f"{component}_health"))
        deadline_s = time.monotonic() + self._settings.ready_s
        while (ended := host.run(command, self._settings.patience_s)).status != 0:
            if host.shown(self._unit(component), "ActiveState") == ["failed"] or time.monotonic() > deadline_s:
                raise NotReady(component, f"it does not serve: {ended.complaint}")
            time.sleep(_ASK_AGAIN_S)

    def _store(self) -> Path:
        return self._settings.bundle_store or Path()

    def _use(self, reference: str) -> None:
        digest = reference.rpartition("@")[2]
        # A box whose first bundle does not hold has none to go back to.
        if digest in ("", _bundle_of(self._store()).digest):
            return
        ended = host.run([*self._bundle_words(), "use", digest], self._settings.ready_s)
        if ended.status != 0:
            raise NotReady("engine", f"the bundle is not taken: {ended.complaint}")

    def _bundle(self, action: str, reference: str) -> None:
        ended = self._bounded([*self._bundle_words(), action, reference], reference)
        if ended.status != 0:
            raise _of_bundle(reference, ended)

    def _bounded(self, command: list[str], reference: str) -> host.Ended:
        """Run what fetches something; a line that falls silent is a registry out of reach."""
        try:
            return host.run(command, self._settings.pull_s)
        except HostFailed as error:
            raise RegistryFailed(f"{reference} did not come within {self._settings.pull_s:g} s") from error

    def _bundle_words(self) -> list[str]:
        words = shlex.split(self._settings.bundle_command)
        if not any("{image}" in each for each in words):
            return words
        image = self._engine_image or units.image_of(self._files["engine"], self._names("engine"))
        return [each.replace("{image}", image) for each in words]


def _bundle_of(store: Path) -> Placed:
    """Return the bundle that a start takes; one without a name where there is none yet."""
    try:
        name = (store / "current").readlink().name
        digest = name.replace("-", ":", 1)
        version = str(json.loads((store / name / "manifest.json").read_bytes())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return Placed("", "unknown", "")
    return Placed(digest, version, digest) if DIGEST.fullmatch(digest) else Placed("", "unknown", "")


def refused_image(reference: str, ended: host.Ended) -> DiskFull | ImageRefused | RegistryFailed:
    """Return what the complaint of podman, or skopeo, means."""
    said = ended.err.lower()
    if _FULL in said:
        return DiskFull("the disk of the images", f"while {reference} was pulled")
    if any(each in said for each in _REFUSED):
        return ImageRefused(f"{reference} is not signed by whom this box trusts: podman refuses it")
    return RegistryFailed(f"{reference} cannot be pulled: {ended.complaint}")


def _of_bundle(reference: str, ended: host.Ended) -> ImageRefused | RegistryFailed | DiskFull:
    """Return what the exit status of `sidewall bundle pull` means (`base.exit_status`)."""
    if ended.status == 4:
        return ImageRefused(f"{reference} is no bundle that this box trusts: {ended.complaint}")
    if ended.status == 8:
        return DiskFull("the bundle store", f"while {reference} was pulled")
    return RegistryFailed(f"{reference} cannot be pulled: {ended.complaint}")
