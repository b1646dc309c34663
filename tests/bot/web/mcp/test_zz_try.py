import asyncio, json
from typing import Any
from tests.bot.web.mcp.peer import asker, called, peer
from tests.bot.web.mcp.test_tools import APPROVAL, QUESTION, given, opened
from tests.office import TOML, ROLES
from tests.servers.web import Api, serving
from tests.world import World
from agents.requests import RunId

def row(*x): print("ROW", *x, flush=True)

async def tool(client, name, **a):
    r = await client.call_tool(name, a)
    return r.is_error, r.structured_content or r.content

async def test_try_start(world: World) -> None:
  async with serving(world.app, longest_wait_s=0.3) as api:
    key = await asker(api); other = await asker(api)
    ada = await api.client("bo", "admin"); bo = await api.client("bo"); cy = await api.client("cy")
    async with peer(api, key) as c, peer(api, other) as o:
        async def approved(k, **more):
            e, t = await tool(c, "request_approval", **{**APPROVAL, **more}, key=k)
            assert not e, t
            await given(api, t["id"], vote="approve", digest=(await bo.get(f"/v1/requests/{t['id']}")).json()["digest"])
            return (await bo.get(f"/v1/requests/{t['id']}")).json()
        # frozen
        r = await approved("k1")
        await ada.post("/v1/freeze", json={"reason": "inc"})
        e, t = await tool(c, "await_answer", id=r["id"]); row("frozen await", t["decision"], t["next"][:80])
        e, t = await tool(c, "start_approved", id=r["id"], attempt="a"); row("frozen start", e, t)
        e, t = await tool(c, "cancel_request", id=r["id"]); row("cancel while frozen", e, t)
        row("unfreeze", (await ada.post("/v1/unfreeze", json={"reason": "ok, it is over"})).text[:200])
        e, t = await tool(c, "start_approved", id=r["id"], attempt="a"); row("start after cancel", e, t)
        # paused
        r = await approved("k2")
        await world.steer(RunId(r["run_id"]), "pause")
        e, t = await tool(c, "await_answer", id=r["id"]); row("paused await", t["decision"], t["next"][:120])
        e, t = await tool(c, "start_approved", id=r["id"], attempt="a"); row("paused start", e, t)
        await world.steer(RunId(r["run_id"]), "resume")
        e, t = await tool(c, "await_answer", id=r["id"]); row("resumed await", t["decision"], (await tool(c, "start_approved", id=r["id"], attempt="w0")), [e.type for e in await world.events(r["run_id"])][-4:])
        # 20 starts at once
        ans = await asyncio.gather(*(tool(c, "start_approved", id=r["id"], attempt=f"w{i}") for i in range(20)))
        row("20 starts", sum(not e for e, _ in ans), {t.get("error") for e, t in ans if e})
        # other key
        row("other start", await tool(o, "start_approved", id=r["id"], attempt="w0"))
        row("other finish", await tool(o, "finish_approved", id=r["id"], attempt="w0", ok=True, summary="x"))
        row("other await", await tool(o, "await_answer", id=r["id"]))
        row("other cancel", await tool(o, "cancel_request", id=r["id"]))
        row("cancel after start", await tool(c, "cancel_request", id=r["id"]))
        win = [i for i, (e, _) in enumerate(ans) if not e][0]
        fins = await asyncio.gather(*(tool(c, "finish_approved", id=r["id"], attempt=f"w{win}", ok=i%2==0, summary=f"s{i%3}") for i in range(12)))
        row("12 finishes", sum(not e for e,_ in fins), {json.dumps(t.get("error") or t.get("summary")) for _, t in fins})
        row("start after finish same", await tool(c, "start_approved", id=r["id"], attempt=f"w{win}"))
        row("start after finish other", await tool(c, "start_approved", id=r["id"], attempt="zz"))
        row("await after finish", await tool(c, "await_answer", id=r["id"]))
        # race deny vs start
        for n in range(4):
            r = await approved(f"race{n}")
            s, d = await asyncio.gather(tool(c, "start_approved", id=r["id"], attempt="a"), cy.post(f"/v1/requests/{r['id']}/answer", json={"vote":"deny"}))
            k = [ev.type for ev in await world.events(r["run_id"])]
            row("race deny/start", s[0], d.status_code, "tool_started" in k, "request_revoked" in k)
        # race freeze vs start
        for n in range(3):
            r = await approved(f"racef{n}")
            s, d = await asyncio.gather(tool(c, "start_approved", id=r["id"], attempt="a"), ada.post("/v1/freeze", json={"reason":"x"}))
            row("race freeze/start", s[0], d.status_code, s[1].get("error"))
            row("unfreeze", (await ada.post("/v1/unfreeze", json={"reason":"x"})).status_code)
        # race withdraw vs start
        for n in range(3):
            r = await approved(f"racew{n}")
            s, d = await asyncio.gather(tool(c, "start_approved", id=r["id"], attempt="a"), tool(c, "cancel_request", id=r["id"]))
            row("race cancel/start", s[0], d[0], d[1].get("decision"), d[1].get("error"), s[1].get("error"))
        # use-by
        r = await approved("ub"); await world.move_time(16*60)
        row("use-by start", await tool(c, "start_approved", id=r["id"], attempt="a"))
        row("use-by await", await tool(c, "await_answer", id=r["id"]))
        # wrong digest
        r = await approved("dg")
        row("digest", await tool(c, "start_approved", id=r["id"], attempt="a", digest="0"*64))
        row("digest junk", await tool(c, "start_approved", id=r["id"], attempt="a", digest="x"))
        row("attempt empty", await tool(c, "start_approved", id=r["id"], attempt=""))
        row("attempt huge", await tool(c, "start_approved", id=r["id"], attempt="x"*500))
        row("attempt weird", await tool(c, "start_approved", id=r["id"], attempt="a\u202e\nb"))
        row("start question", await tool(c, "start_approved", id=(await tool(c,"ask_human",**QUESTION,key="q9"))[1]["id"], attempt="a"))
        row("finish huge", await tool(c, "finish_approved", id=r["id"], attempt="a", ok=True, summary="x"*20000))

async def test_try_unknown(world: World) -> None:
  async with serving(world.app, longest_wait_s=0.3) as api:
    key = await asker(api); bo = await api.client("bo")
    async with peer(api, key) as c:
        e, t = await tool(c, "request_approval", **APPROVAL, key="u")
        await given(api, t["id"], vote="approve", digest=t["digest"])
        row(await tool(c, "start_approved", id=t["id"], attempt="a"))
        await world.move_time(31*86400)
        row("unknown await", await tool(c, "await_answer", id=t["id"]))
        asks = (await world.opened((await bo.get(f"/v1/requests/{t['id']}")).json()["run_id"], after=t["id"])).request
        row("asks", asks.id, asks.purpose, asks.options)
        row("own key sees unknown q?", await tool(c, "await_answer", id=asks.id))
        row("cancel unknown q?", await tool(c, "cancel_request", id=asks.id))
        row("start again", await tool(c, "start_approved", id=t["id"], attempt="a"))
        row("late finish", await tool(c, "finish_approved", id=t["id"], attempt="a", ok=True, summary="done it"))
        row("await", await tool(c, "await_answer", id=t["id"]))
        row("unknown q", (await bo.get(f"/v1/requests/{asks.id}")).json()["state"])

async def test_try_keys(world: World) -> None:
  async with serving(world.app, longest_wait_s=0.3) as api:
    key = await asker(api, "group:release", "policy:production", "policy:pair"); bo = await api.client("bo")
    raw = api.with_key(key)
    async with peer(api, key) as c:
        # failed first body then corrected under the same key
        owned = await api.client("bo", "ask", acts_for=["anna"], asks=["policy:pair", "policy:production"])
        h = {"Idempotency-Key": "fail-1"}
        a = await owned.post("/v1/requests", json={**APPROVAL, "policy": "pair"}, headers=h); row("first body can't be asked", a.status_code, a.json().get("detail"))
        a = await owned.post("/v1/requests", json={**APPROVAL, "policy": "production"}, headers=h); row("corrected", a.status_code, a.json().get("detail"), a.json().get("id"))
        big = {f"a{i}": "b"*900 for i in range(17)}
        row("args too large", await tool(c, "request_approval", **{**APPROVAL, "arguments": {"a": "b"*17000}}, key="big"))
        row("args ok", (await tool(c, "request_approval", **APPROVAL, key="big")))
        row("form bad", await tool(c, "ask_human", **QUESTION, key="fb", form={"type":"object","properties":{"a":{"type":"string","pattern":"(("}}}))
        row("form good", (await tool(c, "ask_human", **QUESTION, key="fb", form={"type":"object","properties":{"a":{"type":"string"}}}))[0])
        row("choice bad", await tool(c, "ask_human", **QUESTION, key="cb", format="choice", options=["a"]))
        row("choice good", (await tool(c, "ask_human", **QUESTION, key="cb", format="choice", options=["a","b"]))[1])
        # default vs explicit
        row("d1", (await tool(c, "ask_human", **QUESTION, key="d"))[1]["id"])
        row("d2", (await tool(c, "ask_human", **QUESTION, key="d", format="free_text"))[1].get("id"))
        row("d3 urgency", (await tool(c, "ask_human", **QUESTION, key="d", urgency="medium"))[1].get("id"))
        row("d4 exp", (await tool(c, "ask_human", **QUESTION, key="d", expires_after_s=86400))[1].get("id"))
        row("d5 exp other", (await tool(c, "ask_human", **QUESTION, key="d", expires_after_s=60))[1])
        row("d6 int float", (await tool(c, "ask_human", **QUESTION, key="d", expires_after_s=86400.0))[1].get("id"))
        row("d7 requester", (await tool(c, "ask_human", **QUESTION, key="d", requester="anna"))[1].get("id"))
        row("d8 kind", (await tool(c, "request_approval", **APPROVAL, key="d"))[1])
        row("key types", (await tool(c, "ask_human", **QUESTION, key=""))[1], (await tool(c, "ask_human", **QUESTION, key="x"*300))[1], (await tool(c, "ask_human", **QUESTION, key="a\nb"))[1], (await tool(c, "ask_human", **QUESTION, key=" d"))[1].get("id"))
        # concurrent different bodies
        res = await asyncio.gather(*(tool(c, "ask_human", **{**QUESTION, "question": f"Q{i%2}"}, key="cc") for i in range(10)))
        row("concurrent", {t.get("id") or t.get("error") for e, t in res})
        # floats
        H={"Accept":"application/json, text/event-stream","Content-Type":"application/json"}
        for n, text in enumerate(['{"n": 1e400}','{"n": NaN}','{"n": Infinity}','{"t": "\\ud800"}','{"t": "\\u0000"}','{"":{"":[]}}','{"deep": '+"["*60+"]"*60+'}','{"deep": '+"["*3000+"]"*3000+'}','{"a":1,"a":2}','{"n": 1180591620717411303424}', '{"n":1.0}','{"n":1}', '{"__proto__":{"x":1}}']):
            m='{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"request_approval","arguments":{"title":"t","policy":"production","arguments":%s,"key":"%s"}}}'%(text, f"g{n}" if n<11 else "g10" if n==11 else f"g{n}")
            a=await raw.post("/mcp", content=m.encode(), headers=H); row("raw", text[:30], a.status_code, a.text[:330].replace(chr(10)," "))
            if a.status_code==200 and "pending" in a.text:
                idd=json.loads(a.text[a.text.index("{"):])["result"]["structuredContent"]["id"]
                row("   seen", str((await bo.get(f"/v1/requests/{idd}")).json()["call"]["arguments"]["arguments"])[:80])
            if n<5:
                a=await raw.post("/v1/requests", content=('{"title":"t","policy":"production","arguments":%s}'%text).encode(), headers={"Content-Type":"application/json"}); row("   api", a.status_code, a.text[:200] if a.status_code>299 else a.json()["call"]["arguments"]["arguments"])
        e, t1 = await tool(c, "request_approval", title="t", policy="production", arguments={"n": 1}, key="f4")
        row("1 for 1.0 same key", e, t1)
        # withdrawn under key
        e, t = await tool(c, "ask_human", **QUESTION, key="w"); await tool(c, "cancel_request", id=t["id"])
        row("same after withdrawn", (await tool(c, "ask_human", **QUESTION, key="w"))[1]["decision"])
        row("other after withdrawn", (await tool(c, "ask_human", **{**QUESTION,"question":"z"}, key="w"))[1]["error"])
        await world.move_time(86400+3600)
        row("expired same", (await tool(c, "ask_human", **QUESTION, key="d"))[1]["decision"])
        row("expired other", (await tool(c, "ask_human", **{**QUESTION,"question":"z"}, key="d"))[1]["error"])
        # run with the same key by trigger scope
