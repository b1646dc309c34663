"""The page that shows how the files of a deploy differ from what is live."""

import re

import pytest

from bot.queries.environments import visible
from bot.web.console.requests import rows
from tests.bot.web.console.stage import place
from tests.kit.world import World
from tests.servers.console import a_console
from tests.test_tour import commit_of


async def test_both_pages_of_a_deploy_lead_to_how_its_files_differ_as_text(shop: World) -> None:
    record = await shop.opened(await shop.trigger("deploy v1.2.0 to production"))
    where = f"{place(record)}/changes"
    async with a_console(shop) as console:
        bo = await console.browser("bo")

        for page in (await bo.get(place(record)), await bo.get(f"/runs/{record.request.run_id}")):
            assert page.html.count(f'href="{where}"') == 1
            files = page.html.partition("<dt>Files</dt>")[2].partition("</dd>")[0]
            assert f'href="{where}">See what changes in the files</a>' in files
        page, one = await bo.get(where), await bo.get(f"{where}?file=index.html")
        elsewhere = [
            await bo.get(f"{where}?file={path}")
            for path in ("../../secret.key", "--output=/tmp/x", ":(top)", "/etc/passwd")
        ]

    old, new = commit_of(shop, "v1.0.0")[:7], commit_of(shop, "v1.2.0")[:7]
    assert f"production: from {old}, which was live when this was asked, to {new}" in page.words
    assert "2 files" in page.words
    assert '<span class="d-more">+' in page.html
    assert '<span class="d-less">-' in page.html
    shown = page.html.partition('<pre class="diff"')[2].partition("</pre>")[0]
    assert ("&lt;" in shown, set(re.findall(r"</?(\w+)", shown))) == (True, {"span"})
    assert "diff --git a/index.html b/index.html" in one.words
    assert one.words.count("diff --git") == 1
    assert [(each.status, "diff --git" in each.words) for each in elsewhere] == [(200, False)] * 4


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("+# fine\u2028evil()", "+# fine⟨U+2028⟩evil()"),
        ("+# fine\revil()", "+# fine⟨U+000D⟩evil()"),
        ("+a\u202eb\u200bc", "+a⟨U+202E⟩b⟨U+200B⟩c"),
        ("+\tindented\r", "+    indented"),
    ],
)
def test_a_character_that_shows_nothing_is_marked(line: str, shown: str) -> None:
    assert visible(line) == shown


def test_a_removed_comment_is_no_head_of_a_file() -> None:
    lines = ["diff --git a/x b/x", "--- a/x", "+++ b/x", "@@ -1 +1 @@", "--- a comment", "+++ counted", " same"]

    assert [kind for kind, _ in rows(lines)] == ["d-file", "d-file", "d-file", "d-at", "d-less", "d-more", ""]


async def test_where_nothing_is_deployed_there_is_nothing_to_compare(world: World) -> None:
    record = await world.opened(await world.trigger("press it"))
    async with a_console(world) as console:
        bo = await console.browser("bo")

        assert "/changes" not in (await bo.get(place(record))).html
        assert "There is nothing to compare" in (await bo.get(f"{place(record)}/changes")).words
