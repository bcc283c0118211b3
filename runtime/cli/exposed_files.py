"""The files that settings name and that not every user of the machine may change, or read."""

from typing import Final

from base.exposure import check_exposure
from runtime.settings import Settings

_GUARDED: Final = {
    "tls_key": True,
    "tls_certificate": False,
    "tls_client_ca": False,
    "registry_auth_file": True,
    "registry_ca": False,
}
"""By setting, whether the file is a secret; the others decide who is believed."""


def exposure_notes(settings: Settings) -> list[str]:
    """Return a sentence for every such file on a read-only mount whose mode lets every user do too much.

    Raises `SettingInvalid` on one that is not on a read-only mount.
    """
    notes = []
    for name, secret in _GUARDED.items():
        path = getattr(settings, name)
        if path is not None:
            notes += [f"{name}: {note}" for note in check_exposure(name, path, secret=secret)]
    return notes
