"""docs/profiles.md speaks of every key and every word a profile may use."""

from pathlib import Path

import pytest

from workbench.catalog.profile.model import Profile
from workbench.catalog.profile.vocabulary import DIMENSIONS, ROLES, UNITS

PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", [field.alias or name for name, field in Profile.model_fields.items()])
def test_every_key_of_a_profile_is_described(word: str) -> None:
    assert f"`{word}`" in PAGE


@pytest.mark.parametrize(("word", "meaning"), [*ROLES.items(), *DIMENSIONS.items()])
def test_every_role_and_dimension_is_described_as_in_the_vocabulary(word: str, meaning: str) -> None:
    assert f"| `{word}` | {meaning} |" in PAGE


def test_every_unit_is_named() -> None:
    assert [unit for unit in UNITS if f"`{unit}`" not in PAGE] == []
