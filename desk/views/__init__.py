"""The desk's pages and endpoints, one module each."""
