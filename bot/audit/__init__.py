"""The audit log: who did what as whom, when and through what, sealed so that a later change is found.

Others use `AuditLog.note` for facts outside runs; the scripts of `store` note what happened in runs. A record is never
changed; of a person who is forgotten it keeps only that somebody was there.
"""
