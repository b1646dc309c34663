"""Workers as real programs around one Redis, with the desk and the recorder of `tests/kill` outside."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kill.lane import environment, is_quiet
from tests.kill.parts import ToolName
from tests.kill.people import People, Story
from tests.kit.programs import Program
from tests.kit.waiting import wait_until
from tests.servers.lines import Server
from tests.servers.redis import RedisServer


class Stage:
    """A Redis that can go away, people at the desk, and any number of workers."""

    def __init__(self, folder: Path, **more: str) -> None:
        """`more` variables of its workers' environment."""
        self._folder, self._more = folder, more

    def __enter__(self) -> Self:
        """Start Redis and the servers outside; no worker yet."""
        with ExitStack() as stack:
            self.redis = stack.enter_context(RedisServer(self._folder / "redis")).start()
            self.recorder = stack.enter_context(Server("tests.servers.recorder"))
            self.desk = stack.enter_context(Server("tests.servers.desk"))
            self.people = People(self.desk, self.recorder)
            self._environ = environment(self._folder, self.redis.url, self.desk, self.recorder) | self._more
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it all."""
        self._stack.close()

    def proxy(self) -> Server:
        """A line to Redis that can be trapped."""
        return self._stack.enter_context(Server("tests.servers.redis_proxy", self.redis.url))

    def start(
        self,
        name: str = "worker",
        parts: str = "works receives",
        *,
        ready: bool = True,
        through: Server | None = None,
    ) -> Program:
        """A new worker, ready unless said otherwise; `through` a proxy if there is one."""
        environ = self._environ | {"PARTS": parts, "PYTHONUNBUFFERED": "1", "SAYSO_LOG_LEVEL": "debug"}
        if through:
            environ["SAYSO_REDIS_URL"] = f"redis://127.0.0.1:{through.said['redis_port']}/0"
        program = Program([], environ, self._folder / f"{name}.log", main="tests.kill.worker")
        self._stack.enter_context(program)
        if ready:
            program.wait_for()
        return program

    def until_told(self, *stories: Story) -> None:
        """People answer until they know how these stories ended, and nothing is left to do; then they look back."""

        def is_over() -> bool:
            self.people.look()
            return all(story.outcome for story in stories)

        wait_until(is_over, what="the end of every story")
        connection = self.redis.connect()
        try:
            wait_until(lambda: is_quiet(connection), what="quiet")
            self.people.look_back(connection)
        finally:
            connection.close()

    def until_called(self, story: Story) -> None:
        """People answer until the story's tool is called."""

        def is_called() -> bool:
            self.people.look()
            return bool(self.people.calls(story))

        wait_until(is_called, what=f"a call of {story.tool}")

    def hold(self, tool: ToolName, at_most_s: float | None = None) -> None:
        """The next call of `tool` waits, before its effect, until `release` or so long."""
        self.recorder.ask(do="arm", name=tool, nth=1, when="before", act="hold", at_most_s=at_most_s)

    def release(self) -> None:
        """Let what is held go on."""
        self.recorder.ask(do="release")
