"""The people and policies of the tests, and settings that are quick: anna asks, bo and cy decide, dan hears alerts."""

from bot.testing.settings import QUICK, settings_of

__all__ = ["QUICK", "TOML", "settings_of"]

TOML = """
[people.anna]
name = "Anna Ames"
email = "anna@corp.example"

[people.bo]
name = "Bo Berg"
email = "bo@corp.example"
groups = ["release"]

[people.cy]
name = "Cy Cole"
email = "cy@corp.example"
groups = ["release"]

[people.dan]
name = "Dan Dorn"
email = "dan@corp.example"

[policies.production]
approvers = ["group:release"]
approve_by_email = true
expires_after = "4h"
execute_within = "15m"

[policies.pair]
approvers = ["group:release"]
quorum = 2
approve_by_email = true
expires_after = "4h"

[alerts]
to = ["person:dan"]

[limits]
triggers_per_person = "1000/h"
"""
