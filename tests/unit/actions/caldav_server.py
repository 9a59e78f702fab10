"""A real Radicale server on a free loopback port, in threads of this process."""

import socket
import threading
import time
from pathlib import Path
from typing import Any

from radicale import config, server


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Radicale:
    """Starts and stops a server whose calendars are kept in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/tandem/visits/"
        self._settings: dict[str, Any] = {
            "server": {"hosts": f"127.0.0.1:{self.port}", "timeout": "5"},
            "auth": {"type": "none"},
            "storage": {"filesystem_folder": str(folder), "_filesystem_fsync": "False"},
            "logging": {"level": "critical"},
        }

    def start(self) -> "Radicale":
        """Serve until `stop`."""
        configuration = config.load()
        configuration.update(self._settings, "tests", privileged=True)
        self._stop, far_end = socket.socketpair()
        self._thread = threading.Thread(target=server.serve, args=(configuration, far_end), daemon=True)
        self._thread.start()
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise RuntimeError("Radicale does not listen")

    def stop(self) -> None:
        """Stop serving; the calendars stay."""
        self._stop.close()
        self._thread.join(10)
