"""The hash of each prompt in the tree, in every version: a version that was released says what it said then."""

from inline_snapshot import snapshot

import prompts


def test_every_version_of_a_prompt_reads_as_it_did() -> None:
    """After a change that is meant: a new version, then `pytest tests/prompts --inline-snapshot=fix`."""
    every = [prompt for name in prompts.names() for prompt in prompts.versions(name)]

    assert {prompt.label: prompt.hash[:16] for prompt in every} == snapshot(
        {
            "announce@1": "737fef27afa57b34",
            "ask@2": "9345d09ec571124c",
            "ask@1": "8042679984db473d",
            "deploy@2": "d5785e00ae8073d2",
            "deploy@1": "4fcbf092dd5dd393",
            "desk@1": "d47641b71ab02fcf",
            "mcp@1": "46b12f10b74a725e",
            "mcp-ask-human@1": "86f2d50219f0e288",
            "mcp-await-answer@1": "f9eaa2c40b9383fc",
            "mcp-cancel-request@1": "758736a6489f1617",
            "mcp-finish-approved@1": "a564e5bf9d2cf806",
            "mcp-list-policies@1": "0ade5fc7b90d2092",
            "mcp-request-approval@1": "4cf58e78cad931a1",
            "mcp-start-approved@1": "232466ed4f832923",
            "step-as-json@1": "006e4f18e3eae51e",
            "triage@1": "f1df39206c7efadc",
        }
    )
