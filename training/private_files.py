"""The folder of the workspace that stays where the images are: secrets and keys, for its owner alone."""

import os
import secrets
from pathlib import Path

from training.workspace import Workspace

PRIVATE_FOLDER = "private"
"""Folder of the workspace with the salt and the key of the cases: whoever has it can tell the patients."""


def private_folder(workspace: Workspace) -> Path:
    """Return the folder, made where it is missing and closed to everyone else."""
    folder = workspace.root / PRIVATE_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def private_secret(workspace: Workspace, name: str) -> str:
    """Return a secret of the workspace (32 hexadecimal digits), drawn when it is first asked for.

    Of two processes that ask at the same time both get the one that was there first.
    """
    path = private_folder(workspace) / name
    if not path.is_file():
        part = path.with_name(f"{name}.{secrets.token_hex(4)}.part")
        write_private(part, secrets.token_hex(16))
        try:
            path.hardlink_to(part)
        except FileExistsError:
            pass
        finally:
            part.unlink()
    return path.read_text(encoding="ascii").strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(text)
