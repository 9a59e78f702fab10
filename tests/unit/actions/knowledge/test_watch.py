"""`python -m actions.knowledge --watch` as its user runs it."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from queue import Queue

import knowledge_fixtures
from knowledge_fixtures import TODAY, write

from actions.knowledge.retrieve import retriever

articles = knowledge_fixtures.articles
ROOT = Path(__file__).resolve().parents[4]


def test_each_change_is_indexed_until_ctrl_c(articles: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "actions.knowledge", "--watch"],
        cwd=ROOT,
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What starts the tests may ignore Ctrl-C, as a shell's background job does, and a child inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    lines: Queue[str] = Queue()
    assert process.stdout is not None
    threading.Thread(target=lambda: [lines.put(line) for line in process.stdout or ()], daemon=True).start()
    try:
        assert "6 added" in lines.get(timeout=120)
        assert "Watching" in lines.get(timeout=30)
        assert retriever().search("gift card", today=TODAY)
        write(articles, "billing/gift", {"title": "Gift cards"}, "A gift card is sent within 30 days.\n")
        assert lines.get(timeout=60).startswith("Knowledge: 1 added, 0 changed, 0 deleted, 6 unchanged")
        assert retriever().search("gift card", today=TODAY)[0].article == "billing/gift"
        (articles / "billing/gift.md").write_text("no front matter")
        assert lines.get(timeout=60).startswith("Knowledge: 0 added, 0 changed, 1 deleted, 6 unchanged, 1 failed")
        assert "billing/gift" not in {p.article for p in retriever().search("gift card", k=50, today=TODAY)}
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        assert process.stderr.read().startswith("billing/gift.md: there is no front matter")
    finally:
        process.kill()
