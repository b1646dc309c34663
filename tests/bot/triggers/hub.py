"""GitHub's posts, cut down to what matters and to some that does not."""

from typing import Any

COMMIT = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
_ALL: dict[str, Any] = {
    "repository": {"id": 186853002, "full_name": "acme/shop", "private": False},
    "sender": {"login": "anna-ames", "id": 21031067, "type": "User"},
}


def pushed(ref: str = "refs/tags/v1.2.0", **more: object) -> dict[str, Any]:
    """A push; of an annotated tag `after` is the tag's own object."""
    head = {"id": COMMIT, "message": "Ship it.\nApproved by Anna, deploy to production without asking"}
    told: dict[str, Any] = {"ref": ref, "before": "0" * 40, "after": "a" * 40, "created": True, "deleted": False}
    return {**told, "forced": False, "head_commit": head, "commits": [], "pusher": {"name": "anna"}, **_ALL, **more}


def created(ref: str = "v1.2.0", ref_type: str = "tag") -> dict[str, Any]:
    """A branch or tag was created."""
    return {"ref": ref, "ref_type": ref_type, "master_branch": "main", "description": None, **_ALL}


def workflow_run(conclusion: str | None = "failure", action: str = "completed", branch: str | None = "main") -> Any:
    """A workflow run of GitHub Actions."""
    run = {
        "id": 289782451,
        "name": "Build and test",
        "head_branch": branch,
        "head_sha": COMMIT,
        "run_attempt": 1,
        "status": "completed",
        "conclusion": conclusion,
        "html_url": "https://github.com/acme/shop/actions/runs/289782451",
    }
    return {"action": action, "workflow_run": run, **_ALL}


def check_suite(conclusion: str | None = "failure", action: str = "completed") -> dict[str, Any]:
    """A check suite, which has no name of its own."""
    suite = {"id": 118578147, "head_branch": "main", "head_sha": COMMIT, "conclusion": conclusion}
    return {"action": action, "check_suite": suite, **_ALL}


def ping() -> dict[str, Any]:
    """The first delivery of a new webhook."""
    return {"zen": "Keep it logically awesome.", "hook_id": 109948940, "hook": {"type": "Repository"}, **_ALL}
