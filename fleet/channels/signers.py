"""Who may sign what of a fleet, and whether enough have: the keys of The Update Framework's roles."""

from collections.abc import Mapping, Sequence
from typing import Any

from securesystemslib.signer import CryptoSigner, Key
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Role, Root, Targets

from base.errors import SettingInvalid
from fleet.channels.roles import CHANNEL_ROLES, HOLD, HOLD_PATH, path_of, threshold_of
from fleet.errors import SignaturesMissing


def delegations_of(signers: Mapping[str, Sequence[Key]]) -> Delegations:
    """Return who may sign what of a new fleet: the signers of every part (by its name), and any of them a hold."""
    keys = {key.keyid: key for each in signers.values() for key in each}
    roles = {
        role: DelegatedRole(
            role, [key.keyid for key in signers[part]], threshold_of(ring), True, paths=[path_of(part, ring)]
        )
        for role, (part, ring) in CHANNEL_ROLES.items()
    }
    roles[HOLD] = DelegatedRole(HOLD, list(keys), 1, True, paths=[HOLD_PATH])
    return Delegations(keys, roles)


def change_signers(targets: Targets, part: str, add: Sequence[Key], revoke: Sequence[str]) -> None:
    """Let keys sign for a part and take others, by their id, the right to; raises `SettingInvalid` on an unknown id."""
    mine = [role for role, (each, _) in CHANNEL_ROLES.items() if each == part]
    for key in add:
        for role in (*mine, HOLD):
            targets.add_key(key, role)
    for key_id in revoke:
        for role in mine:
            _revoke(targets, key_id, role)
        if not any(key_id in targets.get_delegated_role(role).keyids for role in CHANNEL_ROLES):
            targets.revoke_key(key_id, HOLD)


def change_role(root: Root, role: str, add: Sequence[Key], revoke: Sequence[str]) -> None:
    """Give a role of the root other keys.

    Raises `SettingInvalid` on an unknown id, `SignaturesMissing` when too few keys are left.
    """
    for key in add:
        root.add_key(key, role)
    for key_id in revoke:
        _revoke(root, key_id, role)
    left, needed = len(root.roles[role].keyids), root.roles[role].threshold
    if left < needed:
        raise SignaturesMissing(f"{role} would be left with {left} keys and needs {needed}: add others as well")


def require_enough(targets: Targets) -> None:
    """Raise `SignaturesMissing` where a channel has fewer signers than it needs."""
    for role in CHANNEL_ROLES:
        each = targets.get_delegated_role(role)
        if len(each.keyids) < each.threshold:
            raise SignaturesMissing(f"{role} needs {each.threshold} signers and has {len(each.keyids)}")


def sign_enough(role: str, metadata: "Metadata[Any]", by: Root, keys: Sequence[CryptoSigner]) -> None:
    """Sign with those keys that may; raises `SignaturesMissing` where that is not enough."""
    allowed = by.get_delegated_role(role)
    for signer in keys:
        if signer.public_key.keyid in allowed.keyids:
            metadata.sign(signer, append=True)
    if not by.get_verification_result(role, metadata.signed_bytes, metadata.signatures):
        raise SignaturesMissing(f"{role} needs {allowed.threshold} of the keys {key_names(allowed.keyids)}")


def key_names(key_ids: Sequence[str]) -> str:
    """Return the beginnings of key ids, for people."""
    return ", ".join(each[:16] for each in key_ids) or "none"


def _revoke(signed: Root | Targets, key_id: str, role: str) -> None:
    held: Role = signed.get_delegated_role(role)
    if key_id not in held.keyids:
        raise SettingInvalid("revoke", key_id, f"a key of {role}: {', '.join(held.keyids)}")
    signed.revoke_key(key_id, role)
