"""The filters that policy.yml configures."""
