"""Exporting and erasing what the desk keeps about a person, and deleting what is too old to keep.

`python -m desk.privacy` (see `__main__`) is one of three: the assistant and the action server have their own, and
deploy/local/privacy.py runs all of them.
"""
