"""The HTTP API for programs: `/v1`, its OpenAPI description, health and figures."""
