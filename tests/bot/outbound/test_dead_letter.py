"""Notes of what was given up or quarantined load as they were written, also by the release before."""

import json

import pytest

from bot.outbound.dead_letter import Note

BEFORE = {"what": "a message that claims to be from bo", "why": "no proof", "at": "2026-11-01T10:00:00Z"}


@pytest.mark.parametrize(("kind", "means"), [("held", "quarantined"), ("dead", "dead"), ("quarantined", "quarantined")])
def test_a_note_of_the_release_before_is_read(kind: str, means: str) -> None:
    assert Note.model_validate_json(json.dumps({**BEFORE, "kind": kind})).kind == means
