"""Fill the model card of a finished bundle again, with what was measured on it since.

An evaluation can only be made with a finished bundle, and a new card gives the bundle a new digest. So the provenance
keeps the digests under which it was measured, each with a fingerprint of all that decides an answer: figures of a
bundle with other folds or rules cannot get into the card.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from export.card_figures import Figures, is_evaluation
from export.model_card import CARD_NAME, MEASURED_AS, check_measured, model_card, read_card_source
from export.sealing import seal_bundle
from runtime.bundle.files import read_manifest
from runtime.bundle.loading import check_content
from runtime.bundle.manifest import Manifest
from runtime.bundle.manifest_reading import parse_manifest
from trust.signing import canonical_json


def renew_card(
    bundle: Path, figures: Mapping[str, Figures], text: Path | None, key: Ed25519PrivateKey | None
) -> Manifest:
    """Write the card anew, seal the bundle with the key, or leave it unsigned without one, and return its manifest.

    Other signatures go: they are for the bundle with the old card. Raises `ExportFailed` when an evaluation was made
    with a bundle that would answer otherwise.
    """
    before = read_manifest(bundle, signed=False)
    manifest = parse_manifest(before.mapping)
    check_content(bundle, manifest)
    fingerprint = answer_fingerprint(manifest)
    entries = [each for each in manifest.provenance.get(MEASURED_AS, []) if each.get("fingerprint") == fingerprint]
    digests = [*(each["digest"] for each in entries), before.digest]
    check_measured(figures, digests)
    measured = {each["model"].get("digest") for each in figures.values() if is_evaluation(each)}
    kept = [{"digest": each, "fingerprint": fingerprint} for each in digests if each in measured]
    provenance = {name: value for name, value in manifest.provenance.items() if name != MEASURED_AS}
    renewed = replace(manifest, provenance=provenance | ({MEASURED_AS: kept} if kept else {}))
    card = model_card(renewed, read_card_source(bundle, renewed, figures, text))
    (bundle / CARD_NAME).write_text(card, encoding="utf-8")
    return seal_bundle(bundle, renewed, key)


def answer_fingerprint(manifest: Manifest) -> str:
    """Return a SHA-256 of all in a bundle that decides its answers: networks, preparation, tiling, labels and rules."""
    plain = manifest.to_mapping()
    sums = {entry.path: entry.sha256 for entry in manifest.files}
    parts = {name: plain[name] for name in ("preprocessing", "tiling", "labels", "scoring", "input_reference")}
    parts |= {name: plain[name] for name in ("station_reference", "image_reference") if name in plain}
    networks = [sums.get(name, "") for name in manifest.networks]
    return hashlib.sha256(canonical_json(parts | {"networks": networks})).hexdigest()
