"""HTTP: the API for programs, the console for people, health and figures. The web framework stays in this folder."""
