"""Servers as child processes, and the supervisor that runs the whole stack on one machine."""
