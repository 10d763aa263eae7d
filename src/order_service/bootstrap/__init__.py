"""The composition root: makes processes out of the contexts that the configuration turns on."""
