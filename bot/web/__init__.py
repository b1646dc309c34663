"""HTTP: the API under `/v1`, health and metrics. The web framework stays in this folder."""
