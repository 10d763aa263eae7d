"""The loyalty context on its backends: one module a process, and what they share."""
