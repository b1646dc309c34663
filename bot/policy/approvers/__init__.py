"""Who may decide: the rule and its quorum, steps, rotations of people on call, and whom a run concerns. Pure."""
