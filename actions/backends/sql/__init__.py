"""The backends on the SQL database."""
