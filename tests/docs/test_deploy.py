"""The afternoon of docs/deploy.md, as it stands there: its settings and scripts, on two machines, over real mail."""

import json
import re
import signal
import urllib.request
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from channels.email.local.letters import Letter
from tests.agents.deploy.repos import Repo, make_repo
from tests.bot.triggers.hub import pushed
from tests.bot.triggers.posting import HUB_SECRET, bytes_of, signed_by_github
from tests.fakes import github
from tests.fakes.kubernetes import Cluster
from tests.kit.programs import Program
from tests.kit.waiting import wait_until
from tests.processes.branch import Branch
from tests.servers import git_hosts
from tests.servers.lines import TOP, free_ports
from tests.servers.mailhost import MailHost
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.long

READY, READING = '"event":"ready"', "reading the mailbox"
HURRY = "sweep_s = 0.1\ngrace_s = 1\nlease_s = 1\nshards = 1\n"


def afternoon() -> str:
    page = (TOP / "docs" / "deploy.md").read_text()
    return page.partition("## An afternoon\n")[2].partition("\n## ")[0]


def scripts() -> dict[str, str]:
    """Return the scripts of the page by their names in /srv/ops."""
    return dict(re.findall(r"`/srv/ops/(\w+)` [^\n]+\n\n```sh\n(.*?)```", afternoon(), re.DOTALL))


class Afternoon(Branch):
    """Two machines and what is around them: elsewhere than the page says, and nothing else differs."""

    def __init__(self, folder: Path, redis: RedisServer, host: MailHost, hub: github.FakeGitHub, served: str) -> None:
        super().__init__(folder, redis, host)
        self.hub, self.ops, self.cluster = hub, folder / "ops", Cluster(folder / "kubeconfig")
        self.ops.mkdir()
        for name, text in scripts().items():
            (self.ops / name).write_text(text)
        toml = re.findall(r"```toml\n(.*?)```", afternoon(), re.DOTALL)[0]
        places = {
            "https://git.corp.example/shop.git": f"{served}/shop",
            "/srv/ops": str(self.ops),
            "https://api.github.com": hub.base_url,
        }
        for there, here in places.items():
            assert there in toml
            toml = toml.replace(there, here)
        for machine in ("one", "two"):
            (folder / machine).mkdir()
            (folder / machine / "sayso.toml").write_text(HURRY + toml)
        self.cluster.kubectl_in(folder / "programs")
        [self.port] = free_ports(1)
        self.environ: dict[str, str] = {
            **self.environ,
            "PATH": f"{folder / 'programs'}:/usr/local/bin:/usr/bin:/bin",
            "KUBECONFIG": str(self.cluster.file),
            "SAYSO_GITHUB_TOKEN": hub.token,
            "SAYSO_TRIGGERS__TAGS__SECRET": HUB_SECRET,
        }

    def on(self, machine: str, *words: str) -> Program:
        """A process of one machine."""
        log = self.folder / f"{machine}-{words[0]}.log"
        return Program([*words, "--data", str(self.folder / machine)], self.environ, log)

    def doctor(self) -> str:
        with self.on("one", "doctor") as doctor:
            doctor.ended()
            return doctor.said()

    def makes_scripts_executable(self) -> None:
        for script in self.ops.iterdir():
            script.chmod(0o755)

    def webhook(self, tag: str) -> None:
        """GitHub tells that Anna pushed a tag."""
        body = bytes_of(pushed(f"refs/tags/{tag}"))
        url = f"http://127.0.0.1:{self.port}/v1/triggers/tags"
        asked = urllib.request.Request(url, body, signed_by_github(body, "push"))
        with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
            assert answer.status == 202

    def runs_the_workflow(self) -> str:
        """GitHub runs the workflow that was asked for; return the commit that it put live."""
        [asked] = wait_until(self.hub.dispatched, what="a dispatch")
        commit = asked["inputs"]["commit"]
        state = json.loads(self.cluster.file.read_text())
        state["live"][asked["inputs"]["environment"]] = commit
        self.cluster.file.write_text(json.dumps(state))
        self.hub.ends(7_000_000_000, "success")
        return commit

    def anna_hears(self, about: str) -> Letter:
        return self.next_mail(self.anna, about)


@pytest.fixture
def origin(tmp_path: Path) -> Repo:
    """The repository where its server has it."""
    (tmp_path / "hosted").mkdir()
    return make_repo(tmp_path / "hosted" / "shop")


@contextmanager
def an_afternoon(tmp_path: Path, mailhost: MailHost, origin: Repo) -> Generator[Afternoon]:
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(tmp_path / "redis"))
        hub = stack.enter_context(github.running())
        host = stack.enter_context(git_hosts.web(origin.path.parent))
        yield Afternoon(tmp_path, redis.start(), mailhost, hub, host.url)


def test_the_afternoon_goes_as_it_is_told(tmp_path: Path, mailhost: MailHost, origin: Repo) -> None:
    commits = SimpleNamespace(**{f"v1{n}": origin.git("rev-parse", f"v1.{n}.0") for n in range(3)})
    with an_afternoon(tmp_path, mailhost, origin) as story, ExitStack() as two:
        story.cluster.holds(production=commits.v11, staging=commits.v10)

        story.hub.is_now(scopes="repo:status")
        before = story.doctor()
        assert "chmod +x" in before
        assert "the token may not dispatch it" in before
        story.hub.is_now(scopes="repo")
        story.makes_scripts_executable()
        assert "✗ production" not in story.doctor()

        with ExitStack() as one:
            web = one.enter_context(story.on("one", "web", "--port", str(story.port)))
            first = one.enter_context(story.on("one", "worker"))
            mail = two.enter_context(story.on("one", "mail"))
            web.wait_for(READY)
            first.wait_for(READY)
            mail.wait_for(READING)

            story.anna_writes("deploy v1.2.0 to staging")
            assert story.runs_the_workflow() == commits.v12
            assert "is live in staging, verified" in story.anna_hears("Done: ").text

            v13 = origin.commit("Sell coffee", "v1.3.0", day=5)
            story.cluster.breaks(v13)
            story.webhook("v1.3.0")
            card = story.next_mail(story.bo, "Deploy v1.3.0 to production, replacing v1.1.0?")
            assert "Sell coffee" in card.text
            first.signal(signal.SIGTERM)
            first.ended()

        second = two.enter_context(story.on("two", "worker"))
        second.wait_for(READY)
        story.bo_answers(card, "approve")
        back = story.next_mail(story.bo, "Roll back production to v1.1.0, replacing v1.3.0?")
        assert "the database does not answer" in " ".join(back.text.split())
        assert story.cluster.live("production") == v13
        story.bo_answers(back, "approve")

        heard = " ".join(story.anna_hears("Rolled back: ").text.split())
        assert "v1.3.0 was deployed to production, and the health check there failed" in heard
        assert story.cluster.patches() == [f"production {v13}", f"production {commits.v11}"]
        assert [len(list((tmp_path / name / "repositories").glob("*.git"))) for name in ("one", "two")] == [1, 1]
