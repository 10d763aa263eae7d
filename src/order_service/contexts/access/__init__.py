"""Who may read: named API keys, what they admit, and the check of a key on a request."""
