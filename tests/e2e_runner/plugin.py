"""The pytest plug-in: collects the files of a folder, runs their cases, and sums up at the end.

Register a `Runner` in the folder's conftest.py. A fixture named `stage` must give what the cases are played on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e_runner.domain import Domain
from tests.e2e_runner.model import BEHAVIOURS, Case, marker_of
from tests.e2e_runner.packets import Packets
from tests.e2e_runner.parsing import parse
from tests.e2e_runner.player import CaseFailed, Player
from tests.e2e_runner.reading import FormatError
from tests.e2e_runner.report import Coverage, Results


class Runner:
    """The plug-in for the YAML files in `folder` and below it."""

    def __init__(self, folder: Path, domain: Path, coverage: Path, packets: Path | None = None) -> None:
        """`domain` is the domain file (or folder); the coverage is written to the JSON file `coverage`.

        The handoff packets of all cases are appended to the file `packets`, if there is one.
        """
        self.folder, self.coverage_file = folder, coverage
        self.packets = Packets(packets) if packets else None
        self.domain = Domain.load(domain)
        self.results, self.coverage = Results(), Coverage(self.domain)

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make each behaviour a marker."""
        for behaviour in BEHAVIOURS:
            config.addinivalue_line("markers", f"{marker_of(behaviour)}: end-to-end cases with the tag {behaviour}")

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Take the YAML files as test files."""
        if file_path.suffix in (".yml", ".yaml") and self.folder in file_path.parents:
            file = ConversationFile.from_parent(parent, path=file_path)
            file.runner = self
            return file
        return None

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the table and what the cases did not touch."""
        if self.results.rows:
            terminalreporter.section("end-to-end cases: passed of all")
            for line in self.results.table():
                terminalreporter.line(line)
            terminalreporter.line(self.coverage.write(self.coverage_file))


class ConversationFile(pytest.File):
    """A file with `test_cases`."""

    runner: Runner

    def collect(self) -> Iterator[pytest.Item]:
        """Its cases; every mistake in the file is told at once."""
        try:
            cases = parse(self.path, self.runner.domain)
        except FormatError as mistakes:
            lines = "\n".join(f"{self.path.name}: {line}" for line in str(mistakes).splitlines())
            raise self.CollectError(lines) from None
        for case in cases:
            yield ConversationCase.from_parent(self, name=case.name, case=case, runner=self.runner)


class ConversationCase(pytest.Function):
    """One conversation from its first word to its last."""

    def __init__(self, *, case: Case, runner: Runner, **kwargs: Any) -> None:
        def conversation(stage: Any) -> None:
            self.play(stage)

        super().__init__(callobj=conversation, **kwargs)
        self.case, self.runner = case, runner
        for tag in case.tags:
            self.add_marker(marker_of(tag))

    def play(self, stage: Any) -> None:
        """Play the case and count its outcome."""
        runner = self.runner
        player = Player(stage, self.case, runner.domain)
        passed = False
        try:
            player.play()
            passed = True
        finally:
            skill = self.path.relative_to(runner.folder).with_suffix("").as_posix()
            runner.results.add(skill, self.case.tags, passed)
            runner.coverage.actions |= stage.called()
            with suppress(httpx.HTTPError):  # the case has failed already when the assistant does not answer
                for tracker in player.trackers():
                    runner.coverage.add(tracker)
                    if runner.packets:
                        runner.packets.add(self.case.name, tracker)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
        """The conversation, without a traceback."""
        return str(excinfo.value) if isinstance(excinfo.value, CaseFailed) else super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the case stands."""
        return self.path, self.case.line - 1, self.name
