"""The environment variables of the appliance: a misspelt one stops the start instead of being passed over."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from base.errors import unknown_setting

PREFIX: Final = "SIDEWALL_"
GATEWAY_PREFIX: Final = "SIDEWALL_GATEWAY_"
FLEET_PREFIX: Final = "SIDEWALL_FLEET_"
PROGRAM_PREFIXES: Final = (PREFIX, GATEWAY_PREFIX, FLEET_PREFIX)
"""How the variables of engine, gateway and fleet begin: they may share an environment, and each checks its own."""

CONFIG_VARIABLE: Final = "SIDEWALL_CONFIG"
SERVER_VARIABLE: Final = "SIDEWALL_SERVER"
PROXY_VARIABLE: Final = "SIDEWALL_PROXY"
TRUSTED_KEYS_VARIABLE: Final = "SIDEWALL_TRUSTED_KEYS"

OTHER_VARIABLES: Final[Mapping[str, str]] = {
    CONFIG_VARIABLE: "TOML file with settings, as `--config`",
    SERVER_VARIABLE: "host:port of the server that `submit` sends to and `health` asks, as `--server`",
    PROXY_VARIABLE: (
        "HTTP proxy on the way to that server (http://host:port), as `--proxy`. Without it there is none, whatever "
        "`http_proxy` says"
    ),
    TRUSTED_KEYS_VARIABLE: (
        "Folder of `*.pub` files: whose bundles are trusted beside the keys that ship with the runtime. Named by the "
        "environment alone, so that no settings file and no command line can widen whom to trust"
    ),
}
"""Variables that are no settings, and what each is for."""

_SERVICE_LINK: Final = re.compile(
    r"(\w+_)?SERVICE_(HOST|PORT(_\w+)?)|(\w+_)?PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?"
)
_PORT_LINK: Final = re.compile(r"(tcp|udp|sctp)://.*")
"""What Kubernetes puts into every container of a namespace that has a service called sidewall or sidewall-something."""


def check_variables(
    environment: Mapping[str, str],
    settings: Iterable[str],
    *,
    prefix: str = PREFIX,
    others: Iterable[str] = tuple(OTHER_VARIABLES),
) -> None:
    """Raise `SettingInvalid` on the first variable of ours that nothing reads.

    Those are the settings' own, which begin with `prefix`, and `others` that are no settings. What begins as the
    variables of another program do is left to that program.
    """
    known = [*(prefix + name.upper() for name in settings), *others]
    foreign = tuple(each for each in PROGRAM_PREFIXES if not prefix.startswith(each))
    for name in sorted(environment):
        is_ours = name.startswith(prefix) and not name.startswith(foreign)
        if is_ours and name not in known and not _is_service_link(name, environment[name]):
            raise unknown_setting(name, known, prefix=prefix)


def _is_service_link(name: str, value: str) -> bool:
    rest = name.removeprefix(PREFIX)
    return bool(_SERVICE_LINK.fullmatch(rest) or (rest.endswith("PORT") and _PORT_LINK.fullmatch(value)))
