"""The paths that our texts name lead to what is in the tree."""

import re

from tests.servers.lines import TOP

TEXTS = (*TOP.glob("*.md"), *TOP.glob("docs/**/*.md"))
NAMED = re.compile(r"(?<![\w./-])(?:agents|bench|bot|channels|docs|prompts|tests)/[\w./-]*\w")


def test_every_file_that_a_text_names_is_there() -> None:
    named = {(text.name, path) for text in TEXTS for path in NAMED.findall(text.read_text())}

    assert len(named) > 50
    assert {pair for pair in named if not (TOP / pair[1]).exists()} == set()
