"""The checkout context on its backends: one module a kind of process."""
