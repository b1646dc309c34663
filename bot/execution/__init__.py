"""A tool's effect, made once: the attempt, its lease, the approval's last check, and the command's own process.

Others use `Executor`, `prepare` and `ApprovalGuard`. A gated effect never starts without a guard's word.
"""
