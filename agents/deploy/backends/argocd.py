"""Argo CD's API, as far as deploys need it: an application, what is live of it, and syncs to a commit.

https://argo-cd.readthedocs.io/en/stable/developer-guide/api-docs/, and `/swagger-ui` of every Argo CD
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import quote, urlencode

from agents.deploy.backends import Call, Examined, fine, wrong
from agents.deploy.backends.api import SAID_CHARS, TIMEOUT_S, Api, ApiFailed, Json, inner, objects, text
from agents.deploy.backends.remote import KEY_PLACE, LOOK_PAUSE_S, Job, RemoteBackend
from agents.deploy.lookup import LookFailed
from agents.requests import Fact
from agents.text import one_line
from language import say

_HINT = "Look at argocd.token_file, what its account may do, and at the names in the configuration"
# `Running` and `Terminating` are under way.
_ENDS = {"Succeeded": "success", "Failed": "failed", "Error": "error"}
_INFO = "sayso"
_MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Application:
    """An application of Argo CD, in `namespace` where it is not Argo CD's own. `prune` removes what Git has no more."""

    name: str
    base_url: str
    token: str = field(default="", repr=False)
    namespace: str = ""
    prune: bool = False


class Sync(RemoteBackend):
    """Deploys by a sync of an application to the approved commit.

    The step's key stands among the operation's infos. Argo CD knows the last operation of an application only: where
    another one came after ours, how ours ended is told as not known. It refuses a sync to a commit where an application
    syncs by itself.
    """

    def __init__(
        self,
        application: Application,
        environment: str,
        look_pause_s: float = LOOK_PAUSE_S,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        headers = {"Authorization": f"Bearer {application.token}"} if application.token else {}
        base_url = f"{application.base_url.rstrip('/')}/api/v1/applications/{quote(application.name, safe='')}"
        self._api = Api("Argo CD", base_url, headers, _HINT, timeout_s)
        self._application, self._environment, self.look_pause_s = application, environment, look_pause_s

    @property
    def title(self) -> str:
        """See `RemoteBackend`."""
        return say("deploy.sync", name=self._application.name)

    @property
    def server(self) -> str:
        """See `Backend`."""
        return self._application.base_url

    @property
    def address(self) -> str:
        """See `RemoteBackend`."""
        return self._api.url("sync")

    async def live(self) -> str:
        """See `Backend`: the commit it is in sync with, else the one that was synced last."""
        status = inner(await self._get(), "status")
        if inner(status, "sync").get("revisions"):
            raise LookFailed(f"{self._application.name} has several sources, so no one commit is live")
        if text(inner(status, "sync"), "status") == "Synced":
            return text(inner(status, "sync"), "revision")
        history = _list(status, "history")
        if not history:
            raise LookFailed(f"Argo CD has never synced {self._application.name}")
        return text(history[-1], "revision")

    async def prepare(self, commit: str) -> Call:
        """See `Backend`; what would change are the manifests that Argo CD makes of what is live and of `commit`."""
        body: Json = {"revision": commit, "prune": self._application.prune, "dryRun": False}
        if self._application.namespace:
            body["appNamespace"] = self._application.namespace
        body["infos"] = [{"name": _INFO, "value": KEY_PLACE}]
        return Call(("POST", self.address, json.dumps(body)), facts=(await self._resources(commit),))

    async def begin(self, body: Json, key: str) -> str:
        """See `RemoteBackend`: an operation has no name of its own but our key."""
        await self._api.ask("POST", self.address, {**body, "infos": [{"name": _INFO, "value": key}]})
        return key

    async def find(self, handle: str) -> Job | None:
        """See `RemoteBackend`."""
        found = await self._get()
        url = f"{self._application.base_url.rstrip('/')}/applications/{self._application.name}"
        if _has_key(inner(found, "operation"), handle):
            return Job(handle, "", url)  # accepted, and not begun yet
        state = inner(found, "status", "operationState")
        if not _has_key(inner(state, "operation"), handle):
            return None
        end = _ENDS.get(text(state, "phase"), "")
        why = one_line(text(state, "message"), SAID_CHARS)
        return Job(handle, f"{end}: {why}" if end not in {"", "success"} and why else end, url)

    async def stop(self, job: Job) -> None:
        """See `RemoteBackend`: it ends the running operation, which `find` has just seen to be ours."""
        await self._api.ask("DELETE", self._api.url(f"operation{self._query()}"))

    async def examine(self) -> tuple[Examined, ...]:
        """See `Backend`: whether the application is there, and may be synced to a commit."""
        key = f"deploy.environments.{self._environment}.argocd"
        if not self._application.token:
            return (wrong(self.title, "there is no token", f"set {key}.token_file"),)
        try:
            found = await self._get()
        except LookFailed as error:
            return (wrong(self.title, str(error), f"correct {key}"),)
        if inner(found, "spec", "syncPolicy").get("automated"):
            why = "it syncs by itself, and Argo CD then refuses a sync to a commit"
            return (
                wrong(self.title, why, f"take syncPolicy.automated out of the application {self._application.name}"),
            )
        there = fine(f"Argo CD has the application {self._application.name}")
        fix = "see with `argocd account can-i sync applications`"
        return (there, Examined(f"{self.title}: starting it", None, fix, "that would be one"))

    async def _get(self) -> Json:
        found = await self._api.get(self._query())
        if not inner(found, "metadata"):  # no application at all: nobody can tell from it that nothing runs
            raise ApiFailed("Argo CD's answer holds no metadata")
        return found

    def _query(self, **more: str) -> str:
        asked = {**({"appNamespace": self._application.namespace} if self._application.namespace else {}), **more}
        return f"?{urlencode(asked)}" if asked else ""

    async def _resources(self, commit: str) -> Fact:
        """Return which resources of the cluster would be others; where that can't be told, why."""
        try:
            live = await self.live()
            old, new = await self._manifests(live), await self._manifests(commit)
        except LookFailed as error:
            return Fact(label="Resources", text=f"unknown: {error}")
        gone = "removed" if self._application.prune else "left over"
        marks = [("added", set(new) - set(old)), (gone, set(old) - set(new))]
        marks.insert(1, ("changed", {name for name in set(old) & set(new) if old[name] != new[name]}))
        said = "; ".join(f"{what}: {_named(names)}" for what, names in marks if names)
        return Fact(label="Resources", text=said or "none differ")

    async def _manifests(self, revision: str) -> Mapping[str, object]:
        """The manifests of a commit, by `Kind namespace/name`."""
        said = await self._api.get(f"manifests{self._query(revision=revision)}")
        listed: object = said.get("manifests")
        if not isinstance(listed, list):
            raise ApiFailed("Argo CD's answer holds no manifests")
        found = [_manifest(one) for one in cast("list[object]", listed)]
        return {_name_of(one): one for one in found}


def _manifest(one: object) -> Json:
    try:
        found: object = json.loads(one) if isinstance(one, str) else one
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ApiFailed("Argo CD's answer holds a manifest that can't be read")
    return cast("Json", found)


def _name_of(manifest: Json) -> str:
    at = inner(manifest, "metadata")
    name = "/".join(filter(None, (text(at, "namespace"), text(at, "name"))))
    return one_line(f"{text(manifest, 'kind')} {name}", SAID_CHARS)


def _named(names: set[str]) -> str:
    listed = sorted(names)
    more = len(listed) - _MOST_NAMES
    return ", ".join([*listed[:_MOST_NAMES], *([f"and {more} more"] if more > 0 else [])])


def _has_key(operation: Json, key: str) -> bool:
    return any(text(info, "name") == _INFO and text(info, "value") == key for info in _list(operation, "info"))


def _list(row: Json, key: str) -> list[Json]:
    rows: object = row.get(key)
    return objects(cast("list[object]", rows)) if isinstance(rows, list) else []
