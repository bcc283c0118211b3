"""Files that decide whom this box trusts, or that are its secrets, and what every user of the machine may do with them.

Where they could be changed or read from here they are refused. On a read-only mount they are noted: platforms that
project secrets into a container (Kubernetes) show folders as 0777 and files as 0644 there, and only who has the
machine outside knows who may reach them.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from base.errors import SettingInvalid


@dataclass(frozen=True)
class Exposure:
    """That every user of the machine may do with a file what only its owner should."""

    path: Path
    may_be: str
    """`written`, or `read` for a secret."""

    on_read_only_mount: bool

    @property
    def said(self) -> str:
        """What is so, as part of a sentence."""
        return f"may be {self.may_be} by every user"

    @property
    def remedy(self) -> str:
        """The command's argument that mends it."""
        return "o-w" if self.may_be == "written" else "o-rwx"

    def note(self) -> str:
        """Return what log and `doctor` say of one that is not refused."""
        return (
            f"{self.path} {self.said}, as far as the mode tells; the mount is read-only here: see to it on the machine "
            f"outside (chmod {self.remedy})"
        )


def find_exposure(path: Path, *, secret: bool = False) -> Exposure | None:
    """Return what every user may do with a file or folder, None where that is nothing; raises `OSError`.

    A link is judged by what it leads to, a `secret` also by who may read it.
    """
    mode = path.stat().st_mode
    forbidden = {"written": stat.S_IWOTH} | ({"read": stat.S_IROTH} if secret else {})
    for may_be, bit in forbidden.items():
        if mode & bit:
            return Exposure(path, may_be, bool(os.statvfs(path).f_flag & os.ST_RDONLY))
    return None


def check_exposure(setting: str, path: Path, *, secret: bool = False) -> list[str]:
    """Return what is to be noted about the file of a setting.

    Raises `SettingInvalid` on one that every user may change, or read if it is a secret. One that cannot be looked at
    is for whoever reads it to tell.
    """
    try:
        exposure = find_exposure(path, secret=secret)
    except OSError:
        return []
    if exposure is None:
        return []
    if not exposure.on_read_only_mount:
        said = f"a file that not every user may {'write' if exposure.may_be == 'written' else 'read'}"
        raise SettingInvalid(setting, str(path), f"{said} (chmod {exposure.remedy})")
    return [exposure.note()]
