"""What a model card says in words: from a file, never from figures, and "not reported" where nobody said it."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from export.errors import ExportFailed
from export.recipe_file import CARD

NOT_REPORTED: Final = "not reported"
PHANTOM_TEXT: Final = Path(__file__).parent / "phantom_card.toml"
"""What is true of every model trained on this project's phantoms only."""


@dataclass(frozen=True)
class CardText:
    """The words of a card, one text per field; docs/model_card_template.md says what belongs where."""

    intended_users: str = NOT_REPORTED
    out_of_scope: str = NOT_REPORTED
    background: str = NOT_REPORTED
    factors: str = NOT_REPORTED
    data_source: str = NOT_REPORTED
    eligibility: str = NOT_REPORTED
    acquisition: str = NOT_REPORTED
    deidentification: str = NOT_REPORTED
    demographics: str = NOT_REPORTED
    reference_standard: str = NOT_REPORTED
    annotators: str = NOT_REPORTED
    data_split: str = NOT_REPORTED
    model_selection: str = NOT_REPORTED
    metrics: str = NOT_REPORTED
    evaluation_data: str = NOT_REPORTED
    external_testing: str = NOT_REPORTED
    subgroups: str = NOT_REPORTED
    failure_analysis: str = NOT_REPORTED
    explainability: str = NOT_REPORTED
    limits: str = NOT_REPORTED
    ethics: str = NOT_REPORTED
    safety: str = NOT_REPORTED
    cite: str = NOT_REPORTED
    licence: str = NOT_REPORTED
    contact: str = NOT_REPORTED
    registration: str = NOT_REPORTED
    availability: str = NOT_REPORTED
    funding: str = NOT_REPORTED


def read_card_text(path: Path) -> CardText:
    """Read a TOML file of flat `field = "text"` lines, or such a table `[card]`, as a recipe has it.

    Raises `ExportFailed` on a field that no card has.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExportFailed(f"{path} is not readable TOML") from error
    if isinstance(content.get(CARD), dict):
        content = content[CARD]
    known = {each.name for each in fields(CardText)}
    wrong = sorted(name for name, value in content.items() if name not in known or not isinstance(value, str))
    if wrong:
        raise ExportFailed(f"{path} has {', '.join(wrong)}; allowed: texts for {', '.join(sorted(known))}")
    return CardText(**{name: " ".join(value.split()) or NOT_REPORTED for name, value in content.items()})
