"""Words that a channel keeps, in memory."""

from dataclasses import dataclass, field


@dataclass
class MemoryMarks:
    """Marks that outlive a sender, as those in Redis outlive a process."""

    words: dict[str, str] = field(default_factory=dict[str, str])
    marked: set[str] = field(default_factory=set[str])

    async def add_once(self, key: str) -> bool:
        is_new = key not in self.marked
        self.marked.add(key)
        return is_new

    async def put_if_absent(self, key: str, value: str, days: int = 60) -> str:
        return self.words.setdefault(key, value)

    async def get(self, key: str) -> str | None:
        return self.words.get(key)
