"""What people see and do, in a real headless Chromium.

A package, so that the browser and the whole program end with its last test.
"""
