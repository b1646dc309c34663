"""A `kubectl` that speaks of the cluster in the file of KUBECONFIG: `patch`, `rollout status`, `get` and `get --raw`.

What the real one would not take in these calls is refused: a patch that is no JSON, a namespace or deployment that is
not there.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

_HEALTH = re.compile(r"/api/v1/namespaces/([a-z-]+)/services/shop/proxy/health")


def main() -> str:
    """Do what the arguments say; return what is printed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--namespace", default="default")
    verbs = parser.add_subparsers(dest="verb", required=True)
    patching = verbs.add_parser("patch")
    patching.add_argument("what", nargs=2)
    patching.add_argument("--patch", type=json.loads, required=True)
    rollout = verbs.add_parser("rollout")
    rollout.add_argument("what", nargs=2)
    rollout.add_argument("--timeout")
    get = verbs.add_parser("get")
    get.add_argument("what", nargs="*")
    get.add_argument("--output")
    get.add_argument("--raw")
    asked = parser.parse_args()
    file = Path(os.environ["KUBECONFIG"])
    state: dict[str, Any] = json.loads(file.read_text())
    match asked.verb:
        case "patch":
            said = _patched(state, asked.namespace, asked.patch)
            file.write_text(json.dumps(state))
            return said
        case "get" if asked.raw:
            return _health(state, asked.raw)
        case "get" if asked.output != "jsonpath={.metadata.annotations.commit}":
            raise SystemExit(f"error: unknown output {asked.output}")
        case "get":
            return _live(state, asked.namespace)
        case _:
            return f'deployment "shop" successfully rolled out: {_live(state, asked.namespace)[:7]}'


def _live(state: dict[str, Any], namespace: str) -> str:
    if namespace not in state["live"]:
        raise SystemExit(f'Error from server (NotFound): namespaces "{namespace}" not found')
    return state["live"][namespace]


def _patched(state: dict[str, Any], namespace: str, patch: Any) -> str:
    _live(state, namespace)
    commit = patch["metadata"]["annotations"]["commit"]
    [container] = patch["spec"]["template"]["spec"]["containers"]
    if not container["image"].endswith(f":{commit}"):
        raise SystemExit("error: another image than the commit's")
    state["live"][namespace] = commit
    state["calls"].append(f"{namespace} {commit}")
    return "deployment.apps/shop patched"


def _health(state: dict[str, Any], address: str) -> str:
    found = _HEALTH.fullmatch(address)
    if found is None:
        raise SystemExit("Error from server (NotFound): the server could not find the requested resource")
    if _live(state, found[1]) in state["broken"]:
        raise SystemExit("Error from server (InternalError): the database does not answer")
    return "ok"


if __name__ == "__main__":
    sys.stdout.write(main())
