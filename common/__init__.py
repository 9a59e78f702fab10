"""What all three services do alike: log lines, start-up checks, limits of their HTTP servers. No service's own code."""
