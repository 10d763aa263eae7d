"""Access tokens: their keys, how they are issued, and how strictly they are read."""
