"""The people and policies of the tests, and settings that are quick: anna asks, bo and cy decide, dan hears alerts.

With `ROLES` vic is a viewer, ole an operator, ada an admin, and eve has nothing to do with it.
"""

from bot.testing.settings import QUICK, settings_of

__all__ = ["QUICK", "ROLES", "STEPS", "TOML", "settings_of"]

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

ROLES = """
[people.vic]
name = "Vic Vale"
email = "vic@corp.example"

[people.eve]
name = "Eve East"
email = "eve@corp.example"

[people.ole]
name = "Ole Olsen"
email = "ole@corp.example"

[people.ada]
name = "Ada Aster"
email = "ada@corp.example"

[roles]
viewer = ["person:vic"]
operator = ["person:ole"]
admin = ["person:ada"]
"""

STEPS = (
    TOML.replace(
        'name = "Cy Cole"\nemail = "cy@corp.example"\ngroups = ["release"]',
        'name = "Cy Cole"\nemail = "cy@corp.example"',
    )
    .replace('name = "Dan Dorn"\n', 'name = "Dan Dorn"\ngroups = ["finance"]\n')
    .replace("quorum = 2\n", "")
    + """
[people.eve]
name = "Eve Ebert"
email = "eve@corp.example"
groups = ["finance"]

[policies.spending]
approve_by_email = true
expires_after = "2d"

[[policies.spending.steps]]
name = "manager"
approvers = ["person:bo"]
escalate_after = "8h"
escalate_to = ["person:dan"]

[[policies.spending.steps]]
name = "finance"
approvers = ["group:finance"]
"""
)
"""The manager, then finance: Bo, after eight hours Dan as well, then Dan or Eve."""
