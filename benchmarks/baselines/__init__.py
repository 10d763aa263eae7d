"""The usual way: the same job as people write it, with the same drivers on the same servers."""
