"""Whether podman's policy is one that enforces: what is not signed by somebody named in it does not come in.

containers-policy.json(5): of the scopes of a transport the most specific counts, then the transport's own, the default.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from base.errors import FileAbsent, SettingInvalid

SIGNED: Final = ("signedBy", "sigstoreSigned")
"""Requirements that ask for a signature."""


def require_enforcing(policy: Path, repository: str) -> None:
    """Raise `SettingInvalid` where the policy takes an image of HOST/NAME that nobody named has signed."""
    kinds = [each.get("type") for each in requirements(policy, repository)]
    if not any(kind in SIGNED for kind in kinds):
        said = f"a policy that has {repository} signed ({' or '.join(SIGNED)}); it says {', '.join(map(str, kinds))}"
        raise SettingInvalid("signature_policy", str(policy), said)


def requirements(policy: Path, repository: str) -> list[dict[str, Any]]:
    """Return what the policy requires of images of HOST/NAME from a registry; raises `SettingInvalid`."""
    try:
        content = json.loads(policy.read_bytes())
        scopes = content.get("transports", {}).get("docker", {})
        found = next((scopes[each] for each in _scopes(repository) if each in scopes), content["default"])
        return [dict(each) for each in found]
    except FileNotFoundError as error:
        raise FileAbsent("signature_policy", str(policy), "podman's policy (containers-policy.json(5))") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingInvalid("signature_policy", str(policy), "a readable containers-policy.json(5)") from error


def _scopes(repository: str) -> Iterator[str]:
    """Yield the scopes that hold a repository, the most specific first."""
    parts = repository.split("/")
    yield from ("/".join(parts[:count]) for count in range(len(parts), 0, -1))
    host = parts[0].partition(":")[0].split(".")
    yield from (f"*.{'.'.join(host[at:])}" for at in range(1, len(host)))
    yield ""
