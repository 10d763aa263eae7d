"""The payments context on its backends: one module a kind of process."""
