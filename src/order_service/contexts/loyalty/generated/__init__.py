"""Code that schemas/generate.py wrote; never edited."""
