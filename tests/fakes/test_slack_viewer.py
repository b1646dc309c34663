"""The pages that show the fake's workspace: what is on them, and that nothing a person wrote becomes markup."""

import httpx2
import pytest

from tests.fakes.bolt import Client, Json
from tests.fakes.slack.driver import Person, Workspace


async def page(slack: Workspace, path: str) -> str:
    async with httpx2.AsyncClient(base_url=slack.address, timeout=60) as http:
        answer = await http.get(path)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize(
    ("mrkdwn", "html"),
    [
        ("*bold* _italic_ ~gone~ `code`", "<b>bold</b> <i>italic</i> <s>gone</s> <code>code</code>"),
        ("```a *b* <&lt;```", "<pre>a *b* &lt;&lt;</pre>"),
        ("2 * 3 * 4, snake_case_name", "2 * 3 * 4, snake_case_name"),
        ("&lt;!channel&gt; &amp;amp; <script>", "&lt;!channel&gt; &amp;amp; "),
        (
            "<https://corp.example/?a=1&amp;b=2|the *plan*>",
            '<a href="https://corp.example/?a=1&amp;b=2">the *plan*</a>',
        ),
        ("<!channel>", '<span class="mention everybody">@channel</span>'),
        ("<!date^1700000000^{date_short_pretty} at {time}|then>", "Nov 14, 2023 at 11:13 PM"),
        ("<!date^nonsense^{date}|then>", "then"),
        ("&gt; quoted\nnot", "<q>quoted</q>not"),
    ],
)
async def test_mrkdwn_is_shown_as_slack_shows_it(
    slack: Workspace, client: Client, ops: str, mrkdwn: str, html: str
) -> None:
    blocks: list[Json] = [{"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn}}]
    await client.chat_postMessage(channel=ops, text="t", blocks=blocks)

    assert html in await page(slack, "/view/ops")
    assert "<script>" not in await page(slack, "/view/ops")


async def test_a_thread_shows_cards_and_what_one_reader_alone_sees(
    slack: Workspace, client: Client, anna: Person, ops: str
) -> None:
    asked = await anna.says("#ops", "@sayso deploy <v1>")
    approve = {"type": "button", "text": {"type": "plain_text", "text": "Approve"}, "style": "primary"}
    blocks = [{"type": "actions", "elements": [approve]}]
    await client.chat_postMessage(channel=ops, thread_ts=asked.ts, text="Deploy?", blocks=blocks)
    await client.chat_postEphemeral(channel=ops, thread_ts=asked.ts, user=anna.id, text="only you")

    thread = await page(slack, f"/view/ops/{asked.ts}?as=anna&theme=dark")
    channel = await page(slack, "/view/ops")

    assert 'data-theme="dark"' in thread
    assert '<span class="mention">@sayso</span> deploy &lt;v1&gt;' in thread
    assert '<button class="primary">Approve</button>' in thread
    assert "only you" in thread
    assert "1 reply" in channel
    assert "Approve" not in channel
    assert "only you" not in await page(slack, f"/view/ops/{asked.ts}?as=bo")


async def test_a_modal_shows_its_inputs_and_complaints(slack: Workspace, client: Client, bo: Person, ops: str) -> None:
    await slack.settings(socket_mode=False)
    command = await bo.commands("/sayso", in_="#ops")
    field = {"type": "plain_text_input", "action_id": "text"}
    view = {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Why?"}, "submit": {"type": "plain_text", "text": "Send"},
        "blocks": [{"type": "input", "label": {"type": "plain_text", "text": "Reason"}, "element": field}],
    }  # fmt: skip
    await client.views_open(trigger_id=command.raw["payload"]["trigger_id"], view=view)
    await bo.submits()

    shown = await page(slack, "/view/modal/bo")

    for words in ("Why?", "Reason", "Send", "Please complete this required field."):
        assert words in shown


async def test_an_app_home_is_shown(slack: Workspace, client: Client, bo: Person) -> None:
    assert "Nothing here yet." in await page(slack, "/view/home/bo")
    heading = {"type": "header", "text": {"type": "plain_text", "text": "Waiting on you"}}
    await client.views_publish(user_id=bo.id, view={"type": "home", "blocks": [heading]})

    assert "<h3>Waiting on you</h3>" in await page(slack, "/view/home/bo")
