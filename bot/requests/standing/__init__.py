"""Standing approvals: asked for, granted, used, revoked.

Others use `StandingApprovals` (what there is, and its end), `StandingUses` (what it decides) and `asked_for`. One never
decides more than its pattern says, and whatever it decides is a request of its own.
"""
