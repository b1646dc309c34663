"""Names in a row, as each language writes them."""

import pytest

from language import speaking
from language.lists import both as all_of
from language.lists import either as one_of


@pytest.mark.parametrize(
    ("names", "both", "either"),
    [
        ([], "", ""),
        (["Bo"], "Bo", "Bo"),
        (["Bo", "Cy"], "Bo und Cy", "Bo oder Cy"),
        (["Bo", "Cy", "Dan"], "Bo, Cy und Dan", "Bo, Cy oder Dan"),
    ],
)
def test_names_are_listed_as_the_language_does(names: list[str], both: str, either: str) -> None:
    with speaking("de"):
        assert (all_of(names), one_of(names)) == (both, either)
