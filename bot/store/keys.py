"""Names of keys. Everything of one shard shares a hash tag, so one script can change it all at once."""

from dataclasses import dataclass

from agents.run import RunState
from bot.store.ids import shard_of


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one shard."""

    shard: int

    @classmethod
    def of(cls, some_id: str) -> "Keys":
        """The keys of the shard that `some_id` lives in. Raises NotFound."""
        return cls(shard_of(some_id))

    def _key(self, *parts: str) -> str:
        return ":".join((f"{{s{self.shard}}}", *parts))

    @property
    def wake(self) -> str:
        """The schedule: all work that waits, scored by when it is due.

        It is the truth, written with the change itself: to hand work out moves its score on, so what a worker loses
        comes again. A queue would forget it, and a timer go by one machine's clock.
        """
        return self._key("wake")

    @property
    def answers(self) -> str:
        """The answers of people that a worker can take now, scored by since when."""
        return self._key("ready", "answers")

    @property
    def ready(self) -> str:
        """All other work that a worker can take now, scored alike, but for the new work of whoever has more waiting."""
        return self._key("ready")

    @property
    def turns(self) -> str:
        """The pieces of new work by who asked for them, since last nothing waited; `ready.lua` has this name, too."""
        return self._key("ready", "turns")

    def stop(self, taker: str) -> str:
        """Tells a process that waits for work to stop; it stands beside what is waited for."""
        return self._key("ready", "stop", taker)

    @property
    def swept(self) -> str:
        """Stands there while no process need look at the schedule again."""
        return self._key("swept")

    @property
    def tried(self) -> str:
        """What is written to see whether writes are taken; it is gone in a second."""
        return self._key("tried")

    @property
    def format(self) -> str:
        """The number of the store's format: `bot.store.format` has ours. It is in one shard."""
        return self._key("format")

    @property
    def mark(self) -> str:
        """The random name of the store, and those it had before it was restored. It is in one shard."""
        return self._key("mark")

    @property
    def first_shards(self) -> str:
        """The number of shards that the store began with. It is in one shard."""
        return self._key("first_shards")

    @property
    def starts(self) -> str:
        """How many tools were started, and the newest ones: `bot.store.memory` says what for."""
        return self._key("starts")

    @property
    def replicated(self) -> str:
        """Written to see whether replicas follow."""
        return self._key("replicated")

    @property
    def retained(self) -> str:
        """Stands there while the finished runs need not be looked at again."""
        return self._key("retained")

    @property
    def archived(self) -> str:
        """The numbers of runs that have left for the archive, by state."""
        return self._key("archived")

    @property
    def left(self) -> str:
        """A few bits of each run that has left, if all have set theirs: `bot.archive.left` says what for."""
        return self._key("left")

    @property
    def audit_new(self) -> str:
        """The facts that the sealer has still to record, oldest first; `audit.lua` has this name, too."""
        return self._key("audit", "new")

    @property
    def audit_head(self) -> str:
        """The number and the seal of the newest record."""
        return self._key("audit", "head")

    @property
    def audit_chain(self) -> str:
        """The sealed records, under their numbers."""
        return self._key("audit", "chain")

    @property
    def audit_archived(self) -> str:
        """Up to which record the chain is in the archive."""
        return self._key("audit", "archived")

    @property
    def audit_kept(self) -> str:
        """What may be forgotten of records: number -> texts with their salts."""
        return self._key("audit", "kept")

    @property
    def audit_people(self) -> str:
        """Whom the pseudonyms in the chain stand for."""
        return self._key("audit", "people")

    @property
    def audit_sealing(self) -> str:
        """Stands there while a worker seals, or has just sealed."""
        return self._key("audit", "sealing")

    @property
    def audit_looked(self) -> str:
        """Stands there while the newest records need not be checked again. It is in one shard."""
        return self._key("audit", "looked")

    @property
    def audit_told(self) -> str:
        """What operators were told of the log lately, and is still so. It is in one shard."""
        return self._key("audit", "told")

    def audit_noted(self, note_id: str) -> str:
        """Stands there while a repeated note would be noted twice."""
        return self._key("audit", "noted", note_id)

    @property
    def outbox(self) -> str:
        """The outbox entries still to be sent: id -> body."""
        return self._key("outbox")

    @property
    def deliveries(self) -> str:
        """Cards at people's addresses: id -> body."""
        return self._key("deliveries")

    @property
    def clock(self) -> str:
        """Milliseconds that tests add to the time: elsewhere it is never there.

        While a slot of a cluster moves, a key that is missing halfway ends a script half done, and one that names a
        missing key does not begin. So each script that writes several keys names this one, or writes each of them once.
        """
        return self._key("clock_offset")

    @property
    def clock_seen(self) -> str:
        """The last time that Redis told, and how far ahead of it we are; `clock.lua` has this name, too."""
        return self._key("clock_seen")

    @property
    def open(self) -> str:
        """Open requests, scored by when they were opened."""
        return self._key("requests", "open")

    @property
    def requests(self) -> str:
        """All requests, scored by when they were opened."""
        return self._key("requests", "all")

    @property
    def summaries(self) -> str:
        """One line per run, for lists."""
        return self._key("summaries")

    @property
    def runs(self) -> str:
        """All runs, scored by when they were started."""
        return self._key("runs")

    def runs_in(self, state: RunState) -> str:
        """Runs whose line says this state, scored like all runs."""
        return self._key("runs", "state", state)

    def runs_by(self, person: str) -> str:
        """Runs that were started for a person, scored like all runs."""
        return self._key("runs", "by", person)

    def runs_seen_by(self, person: str) -> str:
        """Runs that concern a person, who may see them, scored like all runs."""
        return self._key("runs", "seen", person)

    def runs_of(self, agent: str) -> str:
        """Runs of an agent, scored like all runs."""
        return self._key("runs", "agent", agent)

    def requests_in(self, place: str) -> str:
        """The newest approvals for a tool and environment, whatever became of them."""
        return self._key("requests:in", place)

    def requests_for(self, person: str) -> str:
        """Open requests that a person may decide or is asked back about, scored like all requests."""
        return self._key("requests", "for", person)

    def requests_seen_by(self, person: str) -> str:
        """Requests that concern a person, open or not, scored like all requests."""
        return self._key("requests", "seen", person)

    @property
    def changed(self) -> str:
        """The channel on which scripts say which run changed; `lists.lua` has this name, too."""
        return self._key("changed")

    @property
    def restored(self) -> str:
        """The backup that the store was restored from, and when. It is in one shard."""
        return self._key("restored")

    @property
    def counts(self) -> str:
        """What was counted for operators: `bot.store.lists` has the names."""
        return self._key("counts")

    @property
    def model_use(self) -> str:
        """What runs used of models: `agents.model.usage` has the names."""
        return self._key("model_use")

    @property
    def ticks(self) -> str:
        """The next due time of each trigger: name -> moment and cron line."""
        return self._key("ticks")

    @property
    def api_keys(self) -> str:
        """API keys: hash of the key -> whose it is. All are in one shard."""
        return self._key("api_keys")

    @property
    def api_keys_used(self) -> str:
        """The time each API key was last used."""
        return self._key("api_keys", "used")

    @property
    def frozen(self) -> str:
        """What is frozen: `n`, how often that was changed; `*` for everything, `in NAME` for an environment."""
        return self._key("frozen")

    @property
    def approved_waits(self) -> str:
        """The requests that are approved and have not begun, and maybe some that never will."""
        return self._key("approved", "waits")

    @property
    def frozen_told(self) -> str:
        """The freezes that the requests of the shard were told of last."""
        return self._key("frozen", "told")

    @property
    def absences(self) -> str:
        """Who is away, by person. All are in one shard."""
        return self._key("absences")

    def standing(self, standing_id: str) -> str:
        """A standing approval: `body`, `until` and `uses`, `n` uses so far, one `use REQUEST` each, and `revoked`."""
        return self._key("standing", standing_id)

    @property
    def standings(self) -> str:
        """All standing approvals, scored by when they end. They are in one shard."""
        return self._key("standing")

    def standings_of(self, person: str) -> str:
        """Those that a person may use, scored alike."""
        return self._key("standing", "of", person)

    @property
    def live(self) -> str:
        """What was seen live in each environment. It is in one shard."""
        return self._key("live")

    @property
    def live_looked(self) -> str:
        """Stands there while no process need look again at what is live. It is in one shard."""
        return self._key("live", "looked")

    @property
    def homes(self) -> str:
        """The people who opened their App Home, scored by when they last did. All are in one shard."""
        return self._key("homes")

    def tries(self, some_id: str) -> str:
        """The number of failed tries of an item, and the length of its run at the last one."""
        return self._key("tries", some_id)

    @property
    def dead(self) -> str:
        """Dead letters and held items: id -> note."""
        return self._key("dead")

    @property
    def given_up(self) -> str:
        """The messages among them that were given up, scored by when."""
        return self._key("given_up")

    @property
    def held(self) -> str:
        """The held items among them, scored by when."""
        return self._key("held")

    def run(self, run_id: str) -> str:
        """A run's events."""
        return self._key("run", run_id)

    def file(self, run_id: str, sha256: str) -> str:
        """The bytes of a file that came to a run."""
        return self._key("file", run_id, sha256)

    def attempts(self, run_id: str) -> str:
        """A run's attempts and the lease of the one that runs."""
        return self._key("attempts", run_id)

    def forks(self, run_id: str) -> str:
        """The runs that go on from a run's story, scored by when they were made."""
        return self._key("forks", run_id)

    def request(self, request_id: str) -> str:
        """A request's record: version, state, body."""
        return self._key("request", request_id)

    def replies(self, request_id: str) -> str:
        """The outcome of each reply to a request."""
        return self._key("replies", request_id)

    def places(self, request_id: str) -> str:
        """The delivery whose card stands where many see it: place -> delivery id."""
        return self._key("places", request_id)

    def seen(self, foreign_id: str) -> str:
        """The id of ours that a foreign id led to."""
        return self._key("seen", foreign_id)

    def handle(self, handle: str) -> str:
        """The runs that wait for a handle of the outside, scored by when they were noted."""
        return self._key("handle", handle)

    def thread(self, name: str) -> str:
        """The newest run that lives in a thread of a channel."""
        return self._key("thread", name)

    def thread_before(self, name: str) -> str:
        """The runs that were the newest there before it."""
        return self._key("thread_before", name)

    def inbound(self, inbound_id: str) -> str:
        """One item that arrived."""
        return self._key("inbound", inbound_id)

    def lock(self, name: str) -> str:
        """The holder of a lock, the end of its lease, and its fence."""
        return self._key("lock", name)

    def lock_queue(self, name: str) -> str:
        """Who waits for a lock: since when, and when they asked last."""
        return self._key("lock_queue", name)

    def result(self, attempt_id: str) -> str:
        """The result that a runner notes for its command."""
        return self._key("result", attempt_id)

    def reply(self, run_id: str, input_hash: str) -> str:
        """What a model answered to what has this hash, while it is kept."""
        return self._key("reply", run_id, input_hash)

    def receipt(self, outgoing_id: str) -> str:
        """The person for whom a mail without a question was."""
        return self._key("receipt", outgoing_id)

    def together(self, name: str, what: str) -> str:
        """Something about a message that lists requests of an API key to a person: what it lists, who changes it."""
        return self._key("together", name, what)

    def window(self, sender: str) -> str:
        """A sender's recent triggers."""
        return self._key("window", sender)

    def day(self, agent: str, day: str, what: str) -> str:
        """An agent's use on a day, or how far people extended it. All of an agent is in one shard."""
        return self._key("day", agent, day, what)

    def mailbox(self, name: str, *what: str) -> str:
        """A mailbox of ours: its bookmark, or something else about it. All are in one shard."""
        return self._key("mailbox", name, *what)

    def links(self, *process: str) -> str:
        """The processes connected to Slack, or the state of one of them. All are in one shard."""
        return self._key("slack", "links", *process)

    @property
    def lockouts(self) -> str:
        """The channels that refuse us, and the reasons. All are in one shard."""
        return self._key("lockouts")

    @property
    def people(self) -> str:
        """Everybody whom the directory ever had: id -> by what they were known. All are in one shard."""
        return self._key("people")

    @property
    def people_number(self) -> str:
        """How often an operator has said that two are one."""
        return self._key("people", "number")

    @property
    def tables(self) -> str:
        """The hashes of people, policies, groups and rotations as they were noted last. All are in one shard."""
        return self._key("tables")

    @property
    def tables_wrong(self) -> str:
        """What is wrong with a file of settings that would be read anew."""
        return self._key("tables", "wrong")

    @property
    def tables_whole(self) -> str:
        """Hashes of the lines of the file that held last as a whole, and of who stood in the files of groups."""
        return self._key("tables", "whole")

    @property
    def tables_half(self) -> str:
        """Since when a file is only half taken, or that it is confirmed, by its digest."""
        return self._key("tables", "half")

    @property
    def tables_kept(self) -> str:
        """What came in and waits for a file that is whole."""
        return self._key("tables", "kept")

    def login(self, hashed: str) -> str:
        """The person whom a log-in link lets in, until it is spent. All are in one shard."""
        return self._key("login", hashed)

    def session(self, hashed: str) -> str:
        """The person whose a session of the console is. All are in one shard."""
        return self._key("session", hashed)
