"""A pytest plug-in that plays the conversations in tests/e2e/**/*.yml; docs/developers.md describes their format."""
