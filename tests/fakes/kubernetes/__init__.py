"""A cluster in a file: `Cluster` says what is in it, and puts a `kubectl` that changes it into a folder."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

_TREE = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Cluster:
    """The deployments of a `shop`, one per namespace, in `file`, which is what KUBECONFIG names."""

    file: Path

    def holds(self, **commits: str) -> None:
        """In these namespaces these commits are live."""
        self.file.write_text(json.dumps({"live": commits, "broken": [], "calls": []}))

    def breaks(self, commit: str) -> None:
        """The shop of that commit answers its health check with an error."""
        state = json.loads(self.file.read_text())
        self.file.write_text(json.dumps(state | {"broken": [*state["broken"], commit]}))

    def live(self, namespace: str) -> str:
        """The commit that is live."""
        return json.loads(self.file.read_text())["live"][namespace]

    def patches(self) -> list[str]:
        """`NAMESPACE COMMIT` of each change, oldest first."""
        return json.loads(self.file.read_text())["calls"]

    def kubectl_in(self, folder: Path) -> None:
        """Put a `kubectl` there that knows no other cluster."""
        folder.mkdir(exist_ok=True)
        program = folder / "kubectl"
        program.write_text(
            f'#!/bin/sh\nPYTHONPATH="{_TREE}" exec "{sys.executable}" -m tests.fakes.kubernetes.kubectl "$@"\n'
        )
        program.chmod(0o755)
