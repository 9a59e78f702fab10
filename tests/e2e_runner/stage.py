"""Everything that a case is played on: the services, the proxy between them, and the backend as it was seeded."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from deploy.local.environment import ROOT
from deploy.local.stack import Stack
from tests.e2e_runner.backend import Snapshot, database_of
from tests.e2e_runner.faults import ActionProxy, Endpoints, Faults


class Stage:
    """Starts the services with what the tests need between them; `reset` gives a fresh backend.

    A test that needs other settings, such as a channel's, has a service restarted: `stack.restarted("assistant", ...)`.
    """

    def __init__(self, var: Path, **assistant: str) -> None:
        """`var` is the services' run-time folder; `assistant` are settings for the assistant alone.

        Raises BackendError for a backend that cannot be put back.
        """
        self.stack = Stack(var, NO_PROXY="127.0.0.1,localhost")
        self.database = database_of(self.stack.env, var)
        endpoints = Endpoints(ROOT / "endpoints.yml", var / "endpoints.yml")
        self.stack.env["TANDEM_ENDPOINTS"] = str(endpoints.path)
        self.proxy = ActionProxy(self.stack.env["ACTIONS_URL"])
        self.stack.own["assistant"] = {"ACTIONS_URL": self.proxy.url} | assistant
        self.faults = Faults(self.proxy, endpoints, self.database)
        self.snapshot: Snapshot | None = None

    def __enter__(self) -> Stage:
        try:
            self.stack.__enter__()
            self.snapshot = Snapshot(self.database)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stack.__exit__(kind, error, trace)
        self.proxy.close()
        if self.snapshot:
            self.snapshot.close()

    def reset(self) -> None:
        """The backend as it was right after it was seeded, and nothing called yet."""
        assert self.snapshot, "the services have not been started"
        self.snapshot.restore()
        self.proxy.called.clear()

    def called(self) -> set[str]:
        """The actions of the action server that were called since the last reset, also those inside a form."""
        return set(self.proxy.called)
