"""Dialogue policies that config.yml names."""
