"""The errors that a test expects."""

from httpx2 import Response


def refused(answer: Response, status: int, name: str) -> str:
    """Return what the problem says, which must be one of this kind."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    problem = answer.json()
    assert (problem["status"], problem["type"]) == (status, f"urn:sayso:problem:{name}")
    assert problem["title"]
    assert problem["do"]
    return problem["detail"]
