"""The table of all keys: what each is called, who alone writes it, how long it lives and how large it gets.

Everything of one shard shares a hash tag, so one script can change it all at once. `docs/data-model.md` is made from
this, and the scripts get their names here. A part of a name in capitals is filled in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self, overload

from bot.store.ids import shard_of


@dataclass(frozen=True, slots=True)
class Row:
    """A key of each shard; `owner` is the module of `bot` that alone writes it, `life` and `bound` are in words."""

    name: str
    owner: str
    life: str
    bound: str
    kind: str
    holds: str


class Named(Protocol):
    """Names one of several keys by what its name is filled in with."""

    def __call__(self, *parts: str) -> str: ...


class One(Row):
    """A row of a single key."""

    __slots__ = ()

    @overload
    def __get__(self, keys: None, owner: type["Keys"]) -> Self: ...

    @overload
    def __get__(self, keys: "Keys", owner: type["Keys"]) -> str: ...

    def __get__(self, keys: "Keys | None", owner: type["Keys"]) -> Self | str:
        return self if keys is None else f"{keys.prefix}{self.name}"


class Each(Row):
    """A row of keys of one kind."""

    __slots__ = ()

    @overload
    def __get__(self, keys: None, owner: type["Keys"]) -> Self: ...

    @overload
    def __get__(self, keys: "Keys", owner: type["Keys"]) -> Named: ...

    def __get__(self, keys: "Keys | None", owner: type["Keys"]) -> Self | Named:
        if keys is None:
            return self
        fixed = ":".join(part for part in self.name.split(":") if not part.isupper())
        return lambda *parts: ":".join((f"{keys.prefix}{fixed}", *parts))


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one shard."""

    shard: int

    @classmethod
    def of(cls, some_id: str) -> "Keys":
        """The keys of the shard that `some_id` lives in. Raises NotFound."""
        return cls(shard_of(some_id))

    @property
    def prefix(self) -> str:
        """The hash tag that the name of every key of the shard begins with."""
        return f"{{s{self.shard}}}:"

    # Work
    wake = One(
        "wake",
        "store",
        "for ever",
        "one for each thing that is to be done",
        "zset",
        "all work that waits, by when it is due. It is the truth, written with the change itself: to hand work out "
        "moves its score on, so what a worker loses comes again",
    )
    answers = One(
        "ready:answers",
        "store",
        "for ever",
        "what is ready",
        "zset",
        "the answers of people that a worker can take now, by since when",
    )
    messages = One(
        "ready:messages",
        "store",
        "for ever",
        "what is ready",
        "zset",
        "what else people wrote that a worker can take now, by since when, but for that of somebody who has more "
        "waiting: it may stop something, so that it waits for no model and no tool",
    )
    ready = One(
        "ready",
        "store",
        "for ever",
        "what is ready",
        "zset",
        "all other work that a worker can take now, by since when, but for the new work of somebody who has more "
        "waiting",
    )
    turns = One(
        "ready:turns",
        "store",
        "until nothing waits",
        "who has work waiting",
        "hash",
        "who asked -> their pieces of new work since last nothing waited",
    )
    stop = Each(
        "ready:stop:TAKER",
        "worker.queue",
        "60 s",
        "one for each process",
        "zset",
        "tells a process that waits for work to stop",
    )
    swept = One("swept", "store", "once a sweep", "one", "text", "nobody else need look at the schedule meanwhile")
    tries = Each(
        "tries:ITEM",
        "store",
        "1 h",
        "one for each item that failed",
        "hash",
        "`count`: failed tries; `at`: the length of its run at the last one",
    )
    dead = One(
        "dead",
        "store",
        "until done again or discarded, or with the run",
        "1,000 messages, and those of a restoration",
        "hash",
        "id -> note of a dead letter or a held item",
    )
    given_up = One(
        "given_up",
        "store",
        "as `dead`",
        "1,000",
        "zset",
        "the messages among them that were given up, by when",
    )
    held = One("held", "store", "as `dead`", "1,000", "zset", "the held items among them, by when")

    # Runs
    run = Each(
        "run:RUN",
        "store",
        "with the run",
        "12,000 events",
        "stream",
        "its events: `e` the event, `c` the change that wrote it",
    )
    attempts = Each(
        "attempts:RUN",
        "store",
        "with the run",
        "its attempts",
        "hash",
        "attempt -> state; `holder` and `until`: the lease of the one that runs",
    )
    file = Each(
        "file:RUN:SHA256",
        "store",
        "30 days",
        "the bytes of a commit",
        "text",
        "the bytes of a file that came to a run",
    )
    forks = Each(
        "forks:RUN",
        "store.indexes",
        "with the run, 400 days where that has left",
        "its forks",
        "zset",
        "the runs that go on from its story, by when they were made",
    )
    reply = Each(
        "reply:RUN:HASH",
        "store.indexes",
        "as long as settings keep replies",
        "the replies of a run",
        "text",
        "what a model answered to what has this hash",
    )
    summaries = One(
        "summaries",
        "store",
        "with the run",
        "one for each run",
        "hash",
        "run -> its line in lists; `state RUN` -> the state that it says",
    )
    runs = One("runs", "store", "with the run", "one for each run", "zset", "all runs, by when they were started")
    runs_in = Each("runs:state:STATE", "store", "with the run", "as `runs`", "zset", "runs whose line says this state")
    runs_by = Each(
        "runs:by:PERSON",
        "store",
        "with the run",
        "as `runs`",
        "zset",
        "runs that were started for a person",
    )
    runs_seen_by = Each(
        "runs:seen:PERSON",
        "store",
        "with the run",
        "as `runs`",
        "zset",
        "runs that concern a person, who may see them",
    )
    runs_of = Each("runs:agent:AGENT", "store", "with the run", "as `runs`", "zset", "runs of an agent")
    starts = One(
        "starts",
        "store",
        "for ever",
        "one, 32 starts",
        "text",
        "how many tools were started, and the newest ones: `bot.store.memory` says what for",
    )
    retained = One(
        "retained",
        "archive.leaving",
        "once a look",
        "one",
        "text",
        "nobody else need look for finished runs meanwhile",
    )
    archived = One(
        "archived",
        "archive.leaving",
        "for ever",
        "one for each state",
        "hash",
        "state -> the number of runs that have left for the archive",
    )
    left = One(
        "left",
        "archive.leaving",
        "for ever",
        "512 KiB",
        "text",
        "a few bits of each run that has left: `bot.archive.left` says what for",
    )
    changed = One("changed", "store", "never kept", "one", "channel", "scripts say here which run changed")

    # Requests
    request = Each(
        "request:REQUEST",
        "store",
        "with the run",
        "one record",
        "hash",
        "`version`, `state` and `body` of its record",
    )
    replies = Each(
        "replies:ABOUT",
        "store",
        "with the run",
        "the replies to it",
        "hash",
        "id of a reply to a request, or of a step or run -> its outcome",
    )
    places = Each(
        "places:REQUEST",
        "store.indexes",
        "with the run",
        "its places",
        "hash",
        "place -> the delivery whose card stands where many see it",
    )
    open = One(
        "requests:open",
        "store",
        "while it is open",
        "open requests",
        "zset",
        "open requests, by when they were opened",
    )
    requests = One(
        "requests:all",
        "store",
        "with the run",
        "one for each request",
        "zset",
        "all requests, by when they were opened",
    )
    requests_for = Each(
        "requests:for:PERSON",
        "store",
        "while it is open",
        "open requests",
        "zset",
        "open requests that wait on a person",
    )
    requests_seen_by = Each(
        "requests:seen:PERSON",
        "store",
        "with the run",
        "one for each request",
        "zset",
        "requests that concern a person, open or not",
    )
    requests_in = Each(
        "requests:in:PLACE",
        "store",
        "with the run",
        "100",
        "zset",
        "the newest approvals for a tool and environment, whatever became of them",
    )
    approved_waits = One(
        "approved:waits",
        "store",
        "until it begins",
        "approved requests",
        "set",
        "requests that are approved and have not begun, and maybe some that never will",
    )
    frozen = One(
        "frozen",
        "store.freezes",
        "for ever",
        "one for each environment",
        "hash",
        "`n`: how often it was changed; `*` or `in NAME` -> the freeze",
    )
    frozen_told = One(
        "frozen:told",
        "store.freezes",
        "for ever",
        "one",
        "text",
        "the freezes that the requests of the shard were told of last",
    )
    standing = Each(
        "standing:ID",
        "requests.standing.kept",
        "30 days after its end",
        "its uses",
        "hash",
        "a standing approval: `body`, `until` and `uses`, `n` uses so far, one `use REQUEST` each, and `revoked`",
    )
    standings = One(
        "standing",
        "requests.standing.kept",
        "30 days after its end",
        "20 valid ones of a person",
        "zset",
        "all standing approvals, by when they end. In one shard",
    )
    standings_ending = One(
        "standing:ending",
        "requests.standing.kept",
        "until people were told",
        "standing approvals",
        "set",
        "those that were revoked, and of whose end people are still to be told",
    )
    standings_of = Each(
        "standing:of:PERSON",
        "requests.standing.kept",
        "30 days after its end",
        "20 valid ones",
        "zset",
        "those that a person may use",
    )

    # Messages
    seen = Each(
        "seen:FOREIGN",
        "store",
        "as whoever notes it says",
        "one",
        "text",
        "the id of ours that a foreign id led to, or a mark",
    )
    inbound = Each(
        "inbound:ITEM",
        "store",
        "until it is handled",
        "one message",
        "hash",
        "an item that arrived: `body`, `raw`, `at`, and `who` asks where it is new work",
    )
    outbox = One(
        "outbox",
        "store",
        "until it is sent",
        "what is to be sent",
        "hash",
        "id -> an entry that is still to be sent",
    )
    deliveries = One(
        "deliveries",
        "store",
        "with the run",
        "the cards of runs",
        "hash",
        "id -> a card at somebody's address",
    )
    receipt = Each("receipt:ENTRY", "store.indexes", "7 days", "one", "text", "for whom a mail without a question was")
    window = Each(
        "window:SENDER",
        "store",
        "the time that it counts",
        "as many as it may send",
        "zset",
        "a sender's triggers, by when",
    )
    thread = Each("thread:NAME", "store.indexes", "400 days", "one", "text", "the newest run in a thread of a channel")
    thread_before = Each(
        "thread_before:NAME",
        "store.indexes",
        "400 days",
        "8",
        "list",
        "the runs that were the newest there before it, and those that may begin there",
    )
    handle = Each(
        "handle:HANDLE",
        "store.indexes",
        "as long as its run waits",
        "20",
        "zset",
        "the runs that wait for a handle of the outside, by when they were noted",
    )
    together = Each(
        "together:NAME:WHAT",
        "store.together",
        "31 days",
        "one",
        "text",
        "the `message` that lists requests of an API key to a person, and its `holder`",
    )
    mailbox = Each(
        "mailbox:NAME:WHAT",
        "store.locks",
        "for ever",
        "50,000 mails",
        "several",
        "a mailbox of ours: its bookmark, `mails`, `holder`, `state`, `told`, `telling`. In one shard",
    )
    links = Each(
        "slack:links:PROCESS",
        "store.indexes",
        "6 s, the list 1 h",
        "one for each process",
        "set, text",
        "the processes connected to Slack, and the state of each. In one shard",
    )
    lockouts = One(
        "lockouts",
        "store.indexes",
        "75 s after the last refusal",
        "one for each channel and reason",
        "hash",
        "the channels that refuse us, and the reasons. In one shard",
    )
    homes = One(
        "homes",
        "store.indexes",
        "30 days",
        "one for each person",
        "zset",
        "who opened their App Home, by when they last did. In one shard",
    )

    # People
    people = One(
        "people",
        "people.register",
        "for ever",
        "everybody who ever was in the directory",
        "hash",
        "id -> by what they were known. In one shard",
    )
    people_number = One(
        "people:number",
        "people.register",
        "for ever",
        "one",
        "text",
        "how often an operator has said that two are one",
    )
    people_untold = One(
        "people:untold",
        "people.register",
        "until operators have heard",
        "who is new",
        "set",
        "the ids of who is new since operators last heard who counts as new",
    )
    absences = One(
        "absences",
        "people.absences",
        "until it ends",
        "one for each person",
        "hash",
        "who is away. In one shard",
    )
    api_keys = One(
        "api_keys",
        "people.api_keys",
        "400 days after its end",
        "one for each key",
        "hash",
        "hash of an API key -> whose it is. In one shard",
    )
    api_keys_used = One(
        "api_keys:used",
        "people.api_keys",
        "as `api_keys`",
        "one for each key",
        "hash",
        "when each API key was last used",
    )
    login = Each(
        "login:HASH",
        "people.sessions",
        "15 min",
        "one",
        "text",
        "the person whom a log-in link lets in, until it is spent. In one shard",
    )
    session = Each(
        "session:HASH",
        "people.sessions",
        "12 h",
        "one",
        "text",
        "the person whose a session of the console is. In one shard",
    )
    tables = One(
        "tables",
        "people.noted",
        "for ever",
        "one",
        "text",
        "the hashes of people, policies, groups and rotations as noted last. In one shard",
    )
    tables_wrong = One(
        "tables:wrong",
        "people.noted",
        "15 s",
        "one",
        "text",
        "what is wrong with a file of settings that would be read anew",
    )
    tables_whole = One(
        "tables:whole",
        "people.noted",
        "for ever",
        "lines of the file",
        "text",
        "hashes of the lines of the file that held last as a whole, and of who stood in the files of groups; who "
        "heard the alerts, and where",
    )
    tables_half = One(
        "tables:half",
        "people.noted",
        "while it is half taken",
        "one for each digest",
        "hash",
        "since when a file is only half taken, or that it is confirmed, by its digest",
    )
    tables_kept = One(
        "tables:kept",
        "people.noted",
        "until the file is whole",
        "what came in meanwhile",
        "set",
        "the ids of what came in and waits for a file that is whole",
    )

    # The audit log
    audit_new = One(
        "audit:new",
        "store",
        "until it is sealed",
        "what is not sealed",
        "stream",
        "the facts that the sealer has still to record, oldest first",
    )
    audit_head = One("audit:head", "audit.sealer", "for ever", "one", "text", "number and seal of the newest record")
    audit_chain = One(
        "audit:chain",
        "audit.sealer",
        "until it is archived",
        "20,000 records and a segment",
        "stream",
        "the sealed records, under their numbers: `b` the body, `s` the seal",
    )
    audit_archived = One(
        "audit:archived",
        "audit.leaving",
        "for ever",
        "one",
        "text",
        "up to which record the chain is in the archive",
    )
    audit_kept = One(
        "audit:kept",
        "audit.sealer",
        "as `audit_chain`",
        "as `audit_chain`",
        "hash",
        "number -> the texts of a record that may be forgotten, with their salts",
    )
    audit_people = One(
        "audit:people",
        "audit.sealer",
        "until somebody is forgotten",
        "one for each name",
        "hash",
        "whom the pseudonyms in the chain mean",
    )
    audit_sealing = One("audit:sealing", "store", "once a seal", "one", "text", "nobody else need seal meanwhile")
    audit_looked = One(
        "audit:looked",
        "audit.watching",
        "once a look",
        "one",
        "text",
        "nobody else need check the newest records meanwhile. In one shard",
    )
    audit_told = One(
        "audit:told",
        "audit.watching",
        "1 day",
        "what is wrong",
        "text",
        "what operators were told of the log. In one shard",
    )
    audit_noted = Each(
        "audit:noted:NOTE",
        "audit.log",
        "10 min",
        "one",
        "text",
        "a note that was noted: a repeat is none",
    )

    # Counts and clocks
    clock = One(
        "clock_offset",
        "testing",
        "tests only",
        "one",
        "text",
        "milliseconds that tests add to the time. While a slot of a cluster moves, a script that names a missing "
        "key does not begin, and one that meets a missing key halfway ends half done: so each script that writes "
        "several keys names this one, or writes each of them once",
    )
    clock_seen = One(
        "clock_seen",
        "store",
        "for ever",
        "one",
        "text",
        "the last time that Redis told, and how far ahead of it we are",
    )
    counts = One(
        "counts",
        "store",
        "for ever",
        "one for each name",
        "hash",
        "what was counted for operators: `bot.store.lists` has the names",
    )
    model_use = One(
        "model_use",
        "store",
        "for ever",
        "one for each name",
        "hash",
        "what runs used of models: `agents.model.usage` has the names",
    )
    ticks = One(
        "ticks",
        "store.timers",
        "while the trigger is there, and ten minutes more",
        "one for each trigger",
        "hash",
        "trigger and cron line -> its next moment, and since when a worker's file lacks it",
    )
    day = Each(
        "day:AGENT:DAY:WHAT",
        "store.timers",
        "3 days",
        "the runs of a day",
        "hash",
        "what an agent `used` on a day, or how much `more` people let it use",
    )
    live = One(
        "live",
        "queries.drift",
        "for ever",
        "one for each environment",
        "hash",
        "what was seen live in each environment. In one shard",
    )
    live_looked = One(
        "live:looked",
        "queries.drift",
        "once a look",
        "one",
        "text",
        "nobody else need look at what is live meanwhile. In one shard",
    )
    lock = Each(
        "lock:NAME",
        "store.locks",
        "for ever",
        "one",
        "hash",
        "`holder`, `until`, `since` and `fence` of a lock",
    )
    lock_queue = Each(
        "lock_queue:NAME",
        "store.locks",
        "100 s",
        "who waits",
        "hash",
        "who waits for a lock -> since when, and when they asked last",
    )
    result = Each(
        "result:ATTEMPT",
        "store.indexes",
        "7 days",
        "one",
        "text",
        "the result that a runner notes for its command",
    )

    # The store itself
    shards = One(
        "shards",
        "store.client.durability",
        "for ever",
        "one",
        "text",
        "the number of shards; no number while the store is being restored. In one shard",
    )
    first_shards = One(
        "first_shards",
        "store.client.durability",
        "for ever",
        "one",
        "text",
        "the number of shards that the store began with. In one shard",
    )
    format = One("format", "store.format", "for ever", "one", "text", "the number of the store's format. In one shard")
    mark = One(
        "mark",
        "store.format",
        "for ever",
        "one",
        "text",
        "the random name of the store, and those it had before it was restored. In one shard",
    )
    restored = One(
        "restored",
        "backup.claiming",
        "for ever",
        "one",
        "text",
        "the backup that the store was restored from, and when. In one shard",
    )
    tried = One("tried", "store.client.durability", "1 s", "one", "text", "written to see whether writes are taken")
    replicated = One("replicated", "store", "60 s", "one", "text", "written to see whether replicas follow")


ROWS: Mapping[str, Row] = {name: row for name, row in vars(Keys).items() if isinstance(row, Row)}
"""The rows by what `Keys` calls them."""
