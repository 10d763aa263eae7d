"""Redis: fast clients of one server, of a master under Sentinel, and of a cluster."""
