import asyncio, json, time, collections
from pathlib import Path
import pytest
from tests.servers.redis import RedisServer
from tests.servers.web import serving
from tests.servers.console import Console
from tests.kit.world import World, a_world
from tests.kit.waiting import until
from urllib.parse import urlsplit


async def raw(url, *words):
    u = urlsplit(url)
    if u.scheme == "unix" or not u.port:
        r, w = await asyncio.open_unix_connection(u.path)
    else:
        r, w = await asyncio.open_connection(u.hostname, u.port)
        if u.password:
            w.write(b"AUTH %b\r\n" % u.password.encode()); print(await r.readline())
    w.write(" ".join(words).encode() + b"\r\n")
    a = await r.readline()
    w.close()
    return a


async def test_readonly(tmp_path: Path):
    with RedisServer(tmp_path / "redis") as server:
        server.start()
        async with a_world(server.url, tmp_path / "data") as world, serving(world.app) as api:
            may_end = world.workshop.hold("rope")
            pulling = await world.trigger("pull rope")
            await until(lambda: world.workshop.started)
            pressing = await world.trigger("press bell")
            record = await world.opened(pressing)
            bo, card = await api.client("bo"), await world.next_mail("bo", "Press bell?")
            console = Console(api)
            page, stranger = await console.browser("bo"), console.stranger()
            poll = asyncio.create_task(bo.get(f"/v1/requests/{record.request.id}?wait_s=40"))
            await asyncio.sleep(0.5)
            print(await raw(server.url, "REPLICAOF", "127.0.0.1", "1"))
            world.app.store.client.patience_s = 1
            may_end.set()
            seen = []
            for what in (bo.post("/v1/runs", json={"text": "press it"}), bo.post(f"/v1/requests/{record.request.id}/answer", json={"vote": "deny"}), bo.get("/readyz"), bo.get("/healthz"), bo.get(f"/v1/requests/{record.request.id}"), bo.get("/v1/runs"), bo.post("/v1/freeze", json={"reason": "x"}),):
                b = time.monotonic()
                a = await what
                seen.append((a.request.url.path, a.status_code, a.headers.get("retry-after"), round(time.monotonic() - b, 1), a.json().get("detail")))
            for path in ("/", f"/requests/{record.request.id}", "/login", "/keys"):
                b = time.monotonic()
                s = await page.get(path)
                seen.append((path, s.status, s.headers.get("retry-after"), round(time.monotonic() - b, 1)))
            login = await stranger.post("/login", {"token": "x"})
            mailed = await stranger.post("/login/mail", {"email": "anna@corp.example"})
            seen.append(("login", login.status_code, login.headers.get("retry-after"), mailed.status_code, mailed.headers.get("retry-after")))
            print(*seen, sep="\n")
            await world.reply("bo", card, "approve")
            await asyncio.sleep(2)
            print("poll done", poll.done())
            print(await raw(server.url, "REPLICAOF", "NO", "ONE"))
            world.app.store.client.patience_s = 5
            await world.has(pressing, "done")
            print(await world.summary(pulling), world.workshop.effects)
            a = await asyncio.wait_for(poll, 45)
            print(a.status_code, a.json().get("state"))
            async def ready(): return (await bo.get("/readyz")).status_code == 200
            await until(ready, what="ready")
            print(await world.dead())
    assert False


class Slow:
    def __init__(self, port): self.port, self.delay, self.tasks = port, 0.0, []
    async def __aenter__(self):
        self.server = await asyncio.start_server(self.line, "127.0.0.1", 0)
        self.at = self.server.sockets[0].getsockname()[1]
        return self
    async def __aexit__(self, *a):
        self.server.close()
    async def line(self, r, w):
        r2, w2 = await asyncio.open_connection("127.0.0.1", self.port)
        async def pump(a, b, late):
            loop = asyncio.get_running_loop()
            q = asyncio.Queue()
            async def out():
                while True:
                    at, d = await q.get()
                    if (left := at - loop.time()) > 0: await asyncio.sleep(left)
                    if not d: b.close(); return
                    b.write(d)
            t = asyncio.create_task(out()); self.tasks.append(t)
            try:
                while True:
                    d = await a.read(65536)
                    q.put_nowait((loop.time() + (self.delay if late else 0), d))
                    if not d: return
            except OSError:
                b.close()
        self.tasks.append(asyncio.create_task(pump(r, w2, False)))
        await pump(r2, w, True)


@pytest.mark.parametrize("delay", [0.4, 1.5, 4.0])
async def test_slow(tmp_path: Path, delay):
    with RedisServer(tmp_path / "redis") as server:
        server.start()
        async with Slow(server.port) as slow, a_world(server.url, tmp_path / "data0") as _:
          pass
        async with Slow(server.port) as slow, a_world(f"redis://127.0.0.1:{slow.at}/0", tmp_path / "data") as world, serving(world.app) as api:
            record = await world.opened(await world.trigger("press bell"))
            bo, anna = await api.client("bo"), await api.client("anna")
            before = len((await anna.get("/v1/runs")).json()["runs"])
            slow.delay = delay
            async def timed(name, what):
                b = time.monotonic()
                try:
                    a = await asyncio.wait_for(what, 60)
                    print(name, a.status_code, a.headers.get("retry-after"), round(time.monotonic() - b, 1), str(a.text)[:160].replace("\n", " "))
                    return a
                except Exception as e:
                    print(name, repr(e), round(time.monotonic() - b, 1))
            got = await asyncio.gather(*(timed("run", anna.post("/v1/runs", json={"text": f"stamp {n}"})) for n in range(3)), timed("ready", bo.get("/readyz")), timed("alive", bo.get("/healthz")),
              timed("vote", bo.post(f"/v1/requests/{record.request.id}/answer", json={"vote": "approve", "digest": record.request.digest})), timed("home", anna.get("/v1/runs")))
            slow.delay = 0
            async def ready(): return (await bo.get("/readyz")).status_code == 200
            await until(ready, what="ready")
            after = len((await anna.get("/v1/runs")).json()["runs"])
            print("DELAY", delay, "runs made", after - before, "201s", sum(1 for a in got[:3] if a is not None and a.status_code == 201), "votes", (await world.request(record.request.id)).state, world.workshop.effects)
    assert False
