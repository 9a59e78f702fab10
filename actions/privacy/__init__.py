"""Finding, exporting and erasing what this service keeps about a person, and deleting what is too old to keep.

`python -m actions.privacy` (see `__main__`) is one of three: the assistant and the desk have their own, and
deploy/local/privacy.py runs all of them. docs/privacy.md says what is erased, what is kept, and why.
"""
