"""One approval by each way of answering, and what the audit log says of it: who it was, and how that was known."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agents.requests import PersonId, RequestId
from bot.audit.reading import Query
from bot.policy.record import RequestRecord
from bot.store.client.durability import SHARDS
from bot.store.ids import shard_of
from bot.store.keys import Keys
from tests.bot.cli.shell import attached, sayso
from tests.kit.office import TOML
from tests.kit.slack_world import SlackWorld, a_started_slack_world
from tests.kit.tables import becomes, without
from tests.kit.waiting import until
from tests.kit.world import World, a_world
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


@pytest.mark.long
async def test_a_press_in_slack_is_recorded_with_the_team_and_the_user(office: SlackWorld) -> None:
    await office.anna.says("#ops", "@sayso press bell")
    card = await office.card("#ops", "Approve")
    await office.bo.presses("Approve", in_=card)
    await office.becomes(card, "Bo Berg approved")
    [record] = await office.world.requests()

    vote = await vote_on(office.world, record)

    assert vote["channel"] == "slack"
    assert vote["evidence"] == "Slack user U0BO of team T0TEAM pressed Approve"
    assert await is_whole(office.world)


async def test_a_mail_is_recorded_with_how_its_sender_was_proven(world: World) -> None:
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


async def test_an_answer_in_the_console_is_recorded_with_its_session(world: World) -> None:
    record = await asked(world)
    async with a_console(world) as console:
        bo = await console.browser("bo")
        page = await bo.get(f"/requests/{record.request.id}")
        await bo.submit(page.form(f"/requests/{record.request.id}/answer"), "Approve")

        vote = await vote_on(world, record)

    assert vote["channel"] == "console"
    assert re.fullmatch(
        r"console session, opened by a link from an operator's terminal \([a-z2-7]{8}\)", vote["evidence"]
    )


@pytest.mark.parametrize("is_approved", [False, True])
async def test_attack_what_a_key_takes_back_for_somebody_is_recorded_with_the_key(
    world: World, *, is_approved: bool
) -> None:
    record = await asked(world)
    if is_approved:
        await world.steer(record.request.run_id, "pause")
        await world.decide("cy", record, "approve")
    async with serving(world.app) as api:
        ci = await api.client(service="ci", acts_for=["anna"])
        assert (await ci.post(f"/v1/requests/{record.request.id}/withdraw")).is_success

        made = (await records(world, "revoked" if is_approved else "decided", record.request.id))[-1]

    assert (made["channel"], made["evidence"].startswith("API key sayso_")) == ("api", True)
    assert await is_whole(world)


async def test_attack_a_name_in_a_policy_that_was_deleted_beside_the_chain_is_found(world: World) -> None:
    record = await asked(world)
    [_] = await records(world, "opened", record.request.id)
    names = Keys(shard_of(record.request.run_id)).audit_people
    found = await world.app.store.client.do("HGETALL", names)
    [cy] = [name for name, row in found.items() if json.loads(row)["id"] == "cy"]
    assert await is_whole(world)

    await world.app.store.client.do("HDEL", names, cy)

    assert not await is_whole(world)


async def test_words_that_look_like_a_pseudonym_raise_no_alarm(world: World) -> None:
    record = await asked(world)

    await world.decide("bo", record, "deny", "p-aaaaaaaaaaaaaaaaaaaa ⟦p-bbbbbbbbbbbbbbbbbbbb⟧")

    [_] = await records(world, "decided", record.request.id)
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


async def test_an_answer_over_the_api_is_recorded_with_its_key(world: World) -> None:
    record = await asked(world)
    async with serving(world.app) as api:
        bo = await api.client("bo")
        answer = {"vote": "approve", "digest": record.request.digest}
        assert (await bo.post(f"/v1/requests/{record.request.id}/answer", json=answer)).is_success

        vote = await vote_on(world, record)

    assert vote["channel"] == "api"
    assert vote["evidence"].startswith("API key sayso_")


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


@pytest.mark.long
async def test_the_terminal_checks_the_log_forgets_somebody_and_finds_what_was_changed(world: World) -> None:
    record = await asked(world)
    await world.decide(
        "bo",
        record,
        "approve",
    )
    [vote] = await records(world, "vote", record.request.id)
    await records(world, "tool_finished", record.request.id)

    whole = await attached(world, "audit", "verify", "--json")
    forgot = await attached(world, "audit", "forget", "bo", "--yes")
    after = await attached(world, "audit", "verify")
    chain = f"{{s{vote['shard']}}}:audit:chain"
    await world.app.store.client.do("XDEL", chain, f"0-{vote['n']}")
    broken = await attached(world, "audit", "verify")

    told = json.loads(whole.out)
    assert (whole.code, told["findings"], told["records"] >= 5, told["heads_compared"]) == (0, [], True, 0)
    assert forgot.out.startswith("bo is forgotten: texts of ")
    assert (after.code, "A cut end can't be seen without a head" in after.out) == (0, True)
    assert (broken.code, f"✗ shard {vote['shard']}, record {vote['n']}: removed" in broken.out) == (1, True)


async def denies_under_two_ids(world: World) -> None:
    """Bo denies, counts as somebody new with another address and denies again, and is said to be the same."""
    await world.decide("bo", await asked(world), "deny", "the bell is too loud")
    await becomes(world, TOML.replace("bo@corp.example", "bob@corp.example"))
    await world.decide("bo", await asked(world), "deny", "the bell is still too loud")
    await world.app.register.same("bo@corp.example", "bo", PersonId("dan"))


@pytest.mark.parametrize("named", ["bo", "bo~2"])
async def test_attack_somebody_is_forgotten_under_every_id_that_an_operator_said_is_theirs(
    world: World, named: str
) -> None:
    await denies_under_two_ids(world)
    await world.seal()
    await becomes(world, without(TOML, "bo"))

    forgot = await attached(world, "audit", "forget", named, "--yes")

    left = json.dumps([*(await world.app.audit.search(Query()))[0]])
    assert forgot.out.startswith("bo and bo~2 are forgotten: texts of ")
    assert [word for word in ('"bo"', "bo~2", "Bo Berg", "too loud") if word in left] == []
    people = await world.app.store.client.do("HGETALL", Keys(0).people)
    assert b"Bo Berg" not in b"".join(people.values())
    assert (await attached(world, "audit", "verify")).code == 0


@pytest.mark.parametrize("named", ["bo", "bo~2"])
async def test_what_somebody_did_is_exported_under_every_id_that_an_operator_said_is_theirs(
    world: World, named: str
) -> None:
    await denies_under_two_ids(world)
    await becomes(world, TOML.replace("bo@corp.example", "bob@corp.example") + "\n")
    await world.seal()

    lines = await sayso(world, "audit", "export", "--person", named, "--kind", "vote")

    votes = [json.loads(line) for line in lines.out.splitlines()]
    assert [(vote["who"], vote["words"]) for vote in votes] == [
        ("bo", "the bell is too loud"),
        ("bo~2", "the bell is still too loud"),
    ]


@pytest.mark.parametrize("words", ["audit verify", "audit forget bo --yes", "rebuild", "doctor"])
async def test_attack_who_knows_fewer_shards_than_there_are_says_of_none_that_all_is_well(
    world: World, words: str
) -> None:
    await asked(world)
    await world.app.store.client.do("SET", SHARDS, world.app.store.shards + 1)

    told = await attached(world, *words.split())

    assert told.code == 1
    assert "shards and SAYSO_SHARDS is" in told.out + told.err


async def test_who_had_which_key_and_until_when_is_in_the_log(world: World) -> None:
    async with serving(world.app) as api:
        key, _ = await api.key("bo", "read")
        await api.keyring.revoke(key.prefix)

    async def found() -> list[str]:
        told = json.loads(json.dumps((await world.app.audit.search(Query(person="bo")))[0]))
        return [one["kind"] for one in told if one.get("detail", {}).get("key") == f"sayso_{key.prefix}"]

    assert await until(found, what="it is sealed") == ["key_made", "key_revoked"]


async def test_an_edit_is_in_the_log_with_both_versions_and_the_channel(world: World) -> None:
    world.workshop.editable = ("what",)
    record = await asked(world)

    await world.edit("bo", record, what="gong")

    [revised] = await records(world, "revised", record.request.id)
    assert (revised["who"], revised["channel"]) == ("bo", "cli")
    assert revised["detail"] == {"before": {"what": "bell"}, "changed": ["what"]}


async def test_what_a_requester_changes_is_recorded_with_their_key_and_what_stood_there(world: World) -> None:
    record = await asked(world)
    async with serving(world.app) as api:
        anna = await api.client("anna")
        wanted = {"args": {"what": "horn"}, "digest": record.request.digest}
        got = await anna.post(f"/v1/requests/{record.request.id}/edit", json=wanted)

        [revised] = await records(world, "revised", record.request.id)

    assert got.is_success
    assert (revised["who"], revised["channel"]) == ("anna", "api")
    assert revised["evidence"].startswith("API key sayso_")
    assert revised["detail"] == {"before": {"what": "bell"}, "changed": ["what"]}


async def test_whoever_steers_a_run_is_recorded_with_how_that_was_known(world: World) -> None:
    run_id = (await asked(world)).request.run_id
    async with serving(world.app) as api:
        anna = await api.client("anna")
        for verb in ("pause", "resume", "cancel"):
            assert (await anna.post(f"/v1/runs/{run_id}/{verb}")).is_success

        made = [(await of_run(world, kind, run_id))[0] for kind in ("paused", "resumed", "cancelled")]

    assert {(one["who"], one["channel"]) for one in made} == {("anna", "api")}
    assert all(one["evidence"].startswith("API key sayso_") for one in made)


async def test_whoever_steers_a_run_in_the_console_is_recorded_with_their_session(world: World) -> None:
    run_id = (await asked(world)).request.run_id
    async with a_console(world) as console:
        anna = await console.browser("anna")
        page = await anna.get(f"/runs/{run_id}/confirm/pause")
        await anna.submit(page.form(f"/runs/{run_id}/pause"))

        [paused] = await of_run(world, "paused", run_id)

    assert (paused["who"], paused["channel"]) == ("anna", "console")
    assert paused["evidence"].startswith("console session")


async def test_attack_a_run_that_a_service_makes_for_somebody_is_recorded_as_its_doing(world: World) -> None:
    record = await asked(world)
    async with serving(world.app) as api:
        ci = await api.client(service="ci", acts_for=["anna"], holders=["dan"])
        got = await ci.post(f"/v1/runs/{record.request.run_id}/retry", json={"requester": "anna"})

        [forked] = await of_run(world, "forked", got.json()["id"])

    assert (forked["who"], forked["people"], forked["channel"]) == ("service:ci", ["anna"], "api")
    assert forked["evidence"].startswith("API key sayso_")


async def test_what_somebody_writes_to_a_run_is_recorded_with_how_it_was_known_whose_it_is(office: SlackWorld) -> None:
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
    assert await is_whole(office.world)


async def test_an_answer_that_does_not_count_is_recorded_with_how_it_was_known_whose_it_was(world: World) -> None:
    record = await asked(world)
    async with serving(world.app) as api:
        anna = await api.client("anna")
        answer = {"vote": "approve", "reason": "it is urgent", "digest": record.request.digest}
        await anna.post(f"/v1/requests/{record.request.id}/answer", json=answer)

        [noted] = await records(world, "answer", record.request.id)

    assert (noted["who"], noted["channel"], noted["outcome"]) == ("anna", "api", "not_entitled")
    assert noted["words"] == "it is urgent"
    assert noted["evidence"].startswith("API key sayso_")


async def test_whoever_withdraws_by_answering_is_recorded_with_how_that_was_known(world: World) -> None:
    record = await asked(world)
    async with serving(world.app) as api:
        anna = await api.client("anna")
        answer = {"vote": "deny", "digest": record.request.digest}
        assert (await anna.post(f"/v1/requests/{record.request.id}/answer", json=answer)).is_success

        [decided] = await records(world, "decided", record.request.id)

    assert (decided["people"], decided["outcome"]) == (["anna"], "withdrawn")
    assert decided["evidence"].startswith("API key sayso_")


async def test_attack_nobody_is_forgotten_where_a_script_names_nobody(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", TOML) as office:
        record = await asked(office)
        await office.decide("bo", record, "approve")
        await records(office, "vote", record.request.id)

        await attached(office, "audit", "forget", "", "--yes")

        assert [one["who"] for one in await records(office, "vote", record.request.id)] == ["bo"]
