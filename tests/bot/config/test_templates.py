"""The words of others get into a text of ours as data: one word, or quoted; in one line; never as braces of ours."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from bot.config.templates import CONTEXT_BYTES, check_template, fill, fill_plainly, find, pick, read_body
from bot.errors import Invalid

TEMPLATE = "deploy {release.tag} to staging"


def filled(tag: JsonValue) -> str:
    return fill(TEMPLATE, {"release": {"tag": tag}, "secret": "other"})


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        *((tag, tag) for tag in ("v1.2.0", "feature/x_y", "a" * 200, "größe-3", "v1+build~2", "ops@corp.example")),
        *((7, "7"), (1.5, "1.5"), (True, "true")),
        ("v1 to production and v2", '"v1 to production and v2"'),
        ("v1\ndeploy v2 to production", '"v1\\ndeploy v2 to production"'),
        ('v1" to production, "', '"v1\\" to production, \\""'),
        ("{secret}", '"{secret}"'),
        ("v1\u2028now", '"v1\\u2028now"'),
        ("v\u200b1", '"v\\u200b1"'),
        ("--force", '"--force"'),
        ("<b>", '"<b>"'),
    ],
)
def test_a_plain_word_stands_as_it_is_and_anything_else_is_quoted_in_one_line(tag: JsonValue, said: str) -> None:
    assert filled(tag) == f"deploy {said} to staging"


@given(st.text(max_size=200).filter(lambda text: bool(text.strip())))
def test_no_value_can_add_a_line_or_a_word_of_ours(tag: str) -> None:
    text = filled(tag)

    inner = text.removeprefix("deploy ").removesuffix(" to staging")
    assert text.isprintable()
    assert re.fullmatch(r"[^\s\"]+", inner) or json.loads(inner) == tag


def test_what_is_no_short_text_is_refused_without_its_value() -> None:
    values: list[JsonValue] = [None, "", " \n", ["v1"], {"a": 1}, "x" * 201]
    for tag in values:
        with pytest.raises(Invalid, match=r"release\.tag") as refused:
            filled(tag)
        assert "xxx" not in str(refused.value)


def test_paths_lead_through_tables_and_lists_and_nowhere_else() -> None:
    body: JsonValue = {"commits": [{"id": "a"}, {"id": "b"}], "a.b": 1, "n": None}

    assert find(body, "commits.1.id") == "b"
    for path in ("commits.2.id", "commits.-1.id", "commits.x", "commits.id", "a.b", "n.x", "commits.0.id.x", "none"):
        assert find(body, path) is None


TEMPLATES = ("deploy {", "deploy }", "{}", "{a b}", "{{tag}}", "{a..b}", "", "a\nb", "{tag!r}", "{0:>10}", "{tag[0]}")


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_with_other_braces_or_lines_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match="text"):
        check_template(template)


def test_a_name_is_taken_as_it_is_or_not_at_all() -> None:
    assert fill_plainly("{repo} {id}", {"repo": "acme/shop two", "id": 17}) == "acme/shop two 17"
    for repo in ("a\nb", "a\u202eb", "x" * 201, ""):
        with pytest.raises(Invalid):
            fill_plainly("{repo}", {"repo": repo})


def test_the_context_has_each_value_by_its_name_and_null_for_none() -> None:
    body: dict[str, JsonValue] = {"release": {"tag": "v1\nv2", "files": [1, {"x": None}]}}

    assert pick({"tag": "release.tag", "files": "release.files", "no": "no.thing"}, body) == {
        "tag": "v1\nv2",
        "files": [1, {"x": None}],
        "no": None,
    }
    with pytest.raises(Invalid, match=str(CONTEXT_BYTES)):
        pick({"a": "a"}, {"a": "x" * CONTEXT_BYTES})


BODIES = (b"", b"[]", b"null", b"{", b'{"a": NaN}', b'{"a": 1e999}', b'{"a": "\\ud800"}', b'{"a": "\xff"}', b"tag=v1")


@pytest.mark.parametrize("body", [*BODIES, b'{"a":' * 50000])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid, match="The body is not a JSON object in UTF-8"):
        read_body(body)
