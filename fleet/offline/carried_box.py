"""A box that takes images and bundles from an unpacked file in the place of a registry, judged as those of one are."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from base import durable
from base.errors import SettingInvalid
from base.system_errors import system_error
from fleet.agent import host
from fleet.agent.podman_box import PodmanBox, refused_image
from fleet.agent.policy import SIGNED, require_enforcing, requirements
from fleet.errors import ImageRefused
from fleet.settings import BoxSettings

_POLICY: Final = "policy.json"
_INCOMING: Final = "incoming"
"""Folder of the bundle store from which the engine's command takes a bundle in."""


class CarriedBox(PodmanBox):
    """This machine, with what lies in a folder of component -> `dir:`."""

    def __init__(self, settings: BoxSettings, folder: Path) -> None:
        super().__init__(settings)
        self._folder = folder

    def _compressed_bytes(self, component: str, reference: str) -> int:
        return sum(file.stat().st_size for file in self._carried(component, reference).iterdir())

    def _fetch_image(self, component: str, reference: str) -> None:
        """Copy an image into podman's storage under its usual name, by the policy of its usual registry."""
        folder = self._carried(component, reference)
        policy = self._folder / _POLICY
        durable.write_file(policy, json.dumps(self._policy(reference.partition("@")[0])).encode())
        command = [
            "skopeo",
            f"--policy={policy}",
            "copy",
            "--quiet",
            f"dir:{folder}",
            f"containers-storage:{reference}",
        ]
        ended = host.run(command, self._settings.pull_s)
        if ended.status != 0:
            raise refused_image(reference, ended)

    def _fetch_bundle(self, reference: str) -> None:
        """Lay the artifact into the store, where the engine's command reads it, and have it taken in."""
        incoming = self._store() / _INCOMING
        try:
            shutil.rmtree(incoming, ignore_errors=True)
            shutil.copytree(self._carried("bundle", reference), incoming)
            incoming.chmod(0o755)
            self._bundle("add", _INCOMING)
        except OSError as error:
            raise system_error(error, str(incoming)) or _no_store(self._store()) from error
        finally:
            shutil.rmtree(incoming, ignore_errors=True)

    def _carried(self, component: str, reference: str) -> Path:
        """Return the folder of a component; raises `ImageRefused` where the file does not hold it."""
        folder = self._folder / component
        if not (folder / "manifest.json").is_file():
            raise ImageRefused(f"the file holds no {component}; its channel names {reference}")
        return folder

    def _policy(self, repository: str) -> dict[str, Any]:
        """Return the site's policy for a repository, for the same images in a folder, which says no name of them."""
        require_enforcing(self._settings.signature_policy, repository)
        identity = {"type": "exactRepository", "dockerRepository": repository}
        required = requirements(self._settings.signature_policy, repository)
        carried = [each | ({"signedIdentity": identity} if each.get("type") in SIGNED else {}) for each in required]
        return {"default": [{"type": "reject"}], "transports": {"dir": {"": carried}}}


def _no_store(store: Path) -> SettingInvalid:
    return SettingInvalid("bundle_store", str(store), "a folder that this user may write")
