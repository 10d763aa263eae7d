"""The API of the payments context."""
