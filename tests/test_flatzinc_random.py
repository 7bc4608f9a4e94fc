"""Random FlatZinc models against Gecode (`python -m tests.random_flatzinc` compares any number of them)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.random_flatzinc import GECODE, disagreement, is_right, random_model


@pytest.mark.skipif(GECODE is None, reason="fzn-gecode is not installed")
@pytest.mark.parametrize("block", range(4))
def test_random_models_have_the_answers_that_gecode_gives(block: int, tmp_path: Path) -> None:
    for seed in range(25 * block, 25 * (block + 1)):
        text = random_model(seed)
        assert disagreement(text, tmp_path) is None or is_right(text), text


@pytest.mark.parametrize("block", range(4))
def test_random_models_have_the_answers_of_the_definitions(block: int) -> None:
    for seed in range(10**6 + 10 * block, 10**6 + 10 * (block + 1)):
        text = random_model(seed)
        assert is_right(text), text
