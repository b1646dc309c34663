"""What the audit log says of each way of answering and steering: who it was, and how that was known."""

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agents.requests import PersonId, RequestId
from agents.requests.record import RequestRecord
from bot.audit.reading import Query
from bot.store.client.durability import SHARDS
from bot.store.ids import shard_of
from bot.store.keys import Keys
from tests.bot.cli.shell import attached, sayso
from tests.kit.office import TOML
from tests.kit.slack_world import SlackWorld, a_started_slack_world
from tests.kit.tables import becomes, without
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import a_console
from tests.servers.web import serving

PROVEN = "sayso-dev.invalid: auth=pass smtp.auth=bo@corp.example"
"""What the mail server of a `World` says of Bo's mail."""


@pytest.fixture
async def office(redis: str, tmp_path: Path, slack_address: str) -> AsyncIterator[SlackWorld]:
    async with a_started_slack_world(redis, tmp_path / "data", slack_address) as office:
        yield office


async def asked(world: World) -> RequestRecord:
    return await world.opened(await world.trigger("press bell"))


async def records(world: World, kind: str, request_id: RequestId) -> list[dict[str, Any]]:
    """The sealed records of a request, once there are some."""

    async def found() -> list[dict[str, Any]]:
        everything = (await world.app.audit.search(Query(kind=kind)))[0]
        return [record for record in everything if record.get("request_id") == request_id]

    return await until(found, what=f"{kind} is sealed")


async def of_run(world: World, kind: str, run_id: str) -> list[dict[str, Any]]:
    """The sealed records of a run, once there are some."""

    async def found() -> list[dict[str, Any]]:
        return [*(await world.app.audit.search(Query(kind=kind, run=run_id)))[0]]

    return await until(found, what=f"{kind} is sealed")


async def vote_on(world: World, record: RequestRecord) -> dict[str, Any]:
    [vote] = await records(world, "vote", record.request.id)
    assert (vote["who"], vote["outcome"], vote["digest"]) == ("bo", "approve", record.request.digest)
    return vote


async def is_whole(world: World) -> bool:
    keys = world.app.data_dir.audit_keys(world.app.settings)
    return not (await world.app.audit.verify(keys)).findings


async def test_a_mail_is_recorded_with_how_its_sender_was_proven_and_a_name_that_is_deleted_is_found(
    world: World,
) -> None:
    record = await asked(world)
    await world.reply("bo", await world.next_mail("bo", about="Press bell?"), "approved")

    vote = await vote_on(world, record)

    assert (vote["channel"], vote["evidence"]) == ("email", PROVEN)
    [opened] = await records(world, "opened", record.request.id)
    assert (opened["people"], opened["policy"]["name"]) == (["anna"], "production")
    assert '["bo", "cy"]' in json.dumps(opened["policy"])
    assert opened["cards"][0]["card"]["title"] == "Press bell?"
    assert opened["cards"][0]["for"][0] == "bo"
    [started] = await records(world, "tool_started", record.request.id)
    assert started["tool"] == "press"
    assert await is_whole(world)

    names = Keys(shard_of(record.request.run_id)).audit_people
    found = await world.app.store.client.do("HGETALL", names)
    [cy] = [name for name, row in found.items() if json.loads(row)["id"] == "cy"]
    await world.app.store.client.do("HDEL", names, cy)
    assert not await is_whole(world)


async def test_an_answer_in_the_console_and_over_http_is_recorded_with_its_session_or_its_key(world: World) -> None:
    world.workshop.editable = ("what",)
    async with a_console(world) as console:
        anna, bo = await console.api.client("anna"), await console.api.client("bo")
        ci, page = await console.api.client(service="ci", acts_for=["anna"]), await console.browser("bo")

        async def tells(kind: str, record: RequestRecord, who: str | None, channel: str = "api") -> dict[str, Any]:
            found = (await records(world, kind, record.request.id))[-1]
            how = "console session, opened by a link from an operator's terminal (" if channel == "console" else "API"
            assert (found.get("who") or found["people"][0], found["channel"]) == (who, channel)
            assert found.get("evidence", "").startswith("" if channel == "cli" else how)
            return found

        pressed = await asked(world)
        form = (await page.get(place := f"/requests/{pressed.request.id}")).form(f"{place}/answer")
        await page.submit(form, "Approve")
        await vote_on(world, pressed)
        await tells("vote", pressed, "bo", "console")

        sent, way = await asked(world), "/v1/requests/{}/{}"
        yes = {"vote": "approve", "digest": sent.request.digest}
        await anna.post(way.format(sent.request.id, "answer"), json=yes | {"reason": "it is urgent"})
        noted = await tells("answer", sent, "anna")
        assert (noted["outcome"], noted["words"]) == ("not_entitled", "it is urgent")
        assert (await bo.post(way.format(sent.request.id, "answer"), json=yes)).is_success
        await vote_on(world, sent)
        await tells("vote", sent, "bo")

        changed = await asked(world)
        await world.edit("bo", changed, what="gong")
        revised = await tells("revised", changed, "bo", "cli")
        assert revised["detail"] == {"before": {"what": "bell"}, "changed": ["what"]}
        wanted = {"args": {"what": "horn"}, "digest": (await world.request(changed.request.id)).request.digest}
        assert (await anna.post(way.format(changed.request.id, "edit"), json=wanted)).is_success
        no = {"vote": "deny", "digest": (await world.request(changed.request.id)).request.digest}
        assert (await anna.post(way.format(changed.request.id, "answer"), json=no)).is_success
        assert (await tells("decided", changed, "anna"))["outcome"] == "withdrawn"
        revised = await tells("revised", changed, "anna")
        assert revised["detail"] == {"before": {"what": "gong"}, "changed": ["what"]}

        for kind in ("decided", "revoked"):
            record = await asked(world)
            if kind == "revoked":
                await world.steer(record.request.run_id, "pause")
                await world.decide("cy", record, "approve")
            assert (await ci.post(way.format(record.request.id, "withdraw"))).is_success
            made = (await records(world, kind, record.request.id))[-1]
            assert (made["channel"], made["evidence"].startswith("API key sayso_")) == ("api", True)
    assert await is_whole(world)


async def test_attack_what_was_executed_is_recorded_as_it_was_whatever_it_looks_like(world: World) -> None:
    what = f"p-{'a' * 20}"
    record = await world.opened(await world.trigger(f"press {what}"))
    await world.decide("bo", record, "approve")

    [started] = await records(world, "tool_started", record.request.id)
    assert started["detail"]["exact"] == ["press", what]

    again = await asked(world)
    await world.decide("bo", again, "deny", f"ask ⟦{what}⟧")

    [vote] = await records(world, "vote", again.request.id)
    assert vote["words"] == f"ask ⟦{what}⟧"
    assert await is_whole(world)


async def test_an_admin_exports_what_somebody_did_and_nobody_else_does(world: World) -> None:
    record = await asked(world)
    await world.decide("bo", record, "approve")
    await records(world, "tool_finished", record.request.id)
    async with serving(world.app) as api:
        dan, bo = await api.client("dan", "admin"), await api.client("bo")

        found = (await dan.get("/v1/audit", params={"person": "bo", "limit": 1})).json()
        rest = (await dan.get("/v1/audit", params={"person": "bo", "cursor": found["next"]})).json()
        refused = await bo.get("/v1/audit")

    told = [one["kind"] for one in (*found["records"], *rest["records"])]
    assert [kind for kind in told if kind != "key_made"] == ["vote", "decided"]
    assert (rest["next"], found["since"] is not None, refused.status_code) == (None, True, 403)


async def test_the_terminal_exports_lines_of_json_and_csv(world: World) -> None:
    record = await asked(world)
    await world.decide("bo", record, "approve")
    await records(world, "tool_finished", record.request.id)

    lines = await sayso(world, "audit", "export", "--policy", "production", "--since", "2020-01-01")
    table = await sayso(world, "audit", "export", "--person", "bo", "--format", "csv")
    wrong = await sayso(world, "audit", "export", "--since", "yesterday")
    nobody = await sayso(world, "audit", "export", "--person", "zed")
    no_run = await sayso(world, "audit", "export", "--run", "zzz")

    kinds = [json.loads(line)["kind"] for line in lines.out.splitlines()]
    assert kinds == ["opened", "vote", "decided", "tool_started", "tool_finished"]
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert (rows[0]["kind"], rows[0]["who"], rows[0]["request_id"]) == ("vote", "bo", record.request.id)
    assert wrong.err == "sayso: 'yesterday' is no time. Write it like 2026-11-22 or 2026-11-22T09:30\n"
    assert (nobody.code, nobody.out, nobody.err) == (0, "", "No record is like that.\n")
    assert no_run.err == "sayso: 'zzz' is not an id of ours. They look like s0r-abcdefghijklm\n"


async def denies_under_two_ids(world: World) -> None:
    """Bo denies, counts as somebody new with another address and denies again, and is said to be the same."""
    await world.decide("bo", await asked(world), "deny", "the bell is too loud")
    await becomes(world, TOML.replace("bo@corp.example", "bob@corp.example"))
    await world.decide("bo", await asked(world), "deny", "the bell is still too loud")
    await world.app.register.same("bo@corp.example", "bo", PersonId("dan"), proof=None)


async def test_attack_somebody_is_exported_and_forgotten_under_every_id_that_an_operator_said_is_theirs(
    world: World,
) -> None:
    await denies_under_two_ids(world)
    await becomes(world, TOML.replace("bo@corp.example", "bob@corp.example") + "\n")
    await world.seal()
    for named in ("bo", "bo~2"):
        lines = await sayso(world, "audit", "export", "--person", named, "--kind", "vote")
        votes = [json.loads(line) for line in lines.out.splitlines()]
        assert [(vote["who"], vote["words"]) for vote in votes] == [
            ("bo", "the bell is too loud"),
            ("bo~2", "the bell is still too loud"),
        ]
    await becomes(world, without(TOML, "bo"))
    await attached(world, "audit", "forget", "", "--yes")
    assert "too loud" in json.dumps([*(await world.app.audit.search(Query()))[0]]), "a script that names nobody"

    forgot = await attached(world, "audit", "forget", "bo~2", "--yes")

    left = json.dumps([*(await world.app.audit.search(Query()))[0]])
    assert forgot.out.startswith("bo and bo~2 are forgotten: texts of ")
    assert [word for word in ('"bo"', "bo~2", "Bo Berg", "too loud") if word in left] == []
    people = await world.app.store.client.do("HGETALL", Keys(0).people)
    assert b"Bo Berg" not in b"".join(people.values())
    assert await is_whole(world)


async def test_attack_who_knows_fewer_shards_than_there_are_says_of_none_that_all_is_well(world: World) -> None:
    await asked(world)
    await world.app.store.client.do("SET", SHARDS, world.app.store.shards + 1)

    for words in ("audit verify", "doctor"):
        told = await attached(world, *words.split())
        assert told.code == 1
        assert "shards and SAYSO_SHARDS is" in told.out + told.err, words


async def test_who_steers_a_run_makes_one_and_has_which_key_is_recorded_with_how_that_was_known(world: World) -> None:
    run_id = (await asked(world)).request.run_id
    async with a_console(world) as console:
        anna, page = await console.api.client("anna"), await console.browser("anna")
        for verb in ("pause", "resume"):
            assert (await anna.post(f"/v1/runs/{run_id}/{verb}")).is_success
        form = (await page.get(f"/runs/{run_id}/confirm/pause")).form(f"/runs/{run_id}/pause")
        await page.submit(form)
        assert (await anna.post(f"/v1/runs/{run_id}/cancel")).is_success
        ci = await console.api.client(service="ci", acts_for=["anna"], holders=["dan"])
        got = await ci.post(f"/v1/runs/{run_id}/retry", json={"requester": "anna"})
        key, _ = await console.api.key("bo", "read")
        await console.api.keyring.revoke(key.prefix, None, proof=None)
        await world.seal()

        made = [each for kind in ("paused", "resumed", "cancelled") for each in await of_run(world, kind, run_id)]
        [forked] = await of_run(world, "forked", got.json()["id"])

    assert {one["who"] for one in made} == {"anna"}
    assert [(one["channel"], one["evidence"].split(" ")[0]) for one in made] == [
        ("api", "API"), ("console", "console"), ("api", "API"), ("api", "API"),
    ]  # fmt: skip
    assert (forked["who"], forked["people"], forked["channel"]) == ("service:ci", ["anna"], "api")
    assert forked["evidence"].startswith("API key sayso_")
    told = json.loads(json.dumps((await world.app.audit.search(Query(person="bo")))[0]))
    of_key = [one["kind"] for one in told if one.get("detail", {}).get("key") == f"sayso_{key.prefix}"]
    assert of_key == ["key_made", "key_revoked"]


async def test_what_somebody_writes_and_presses_in_slack_is_recorded_with_the_team_and_the_user(
    office: SlackWorld,
) -> None:
    await office.anna.says("#ops", "@sayso press bell")
    card = await office.card("#ops", "Approve")

    await office.anna.says("#ops", "only the small one", thread=card)

    [record] = await office.world.requests()
    [said] = await of_run(office.world, "said", record.request.run_id)
    assert (said["who"], said["channel"], said["words"]) == ("anna", "slack", "only the small one")
    assert "U0ANNA" in said["evidence"]
    [revised] = await records(office.world, "revised", record.request.id)
    assert (revised["channel"], revised["evidence"]) == ("slack", said["evidence"])
    assert ("cards" in revised, "cards" in said) == (True, False)
    await office.becomes(card, "only the small one")
    await office.bo.presses("Approve", in_=await office.card("#ops", "Approve"))
    [vote] = await records(office.world, "vote", record.request.id)
    assert (vote["channel"], vote["evidence"]) == ("slack", "Slack user U0BO of team T0TEAM pressed Approve")
    assert await is_whole(office.world)
