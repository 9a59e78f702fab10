"""Files of the machine that an article's folder points to: none of them is published."""

from pathlib import Path

import knowledge_fixtures
import pytest

from actions.knowledge import store
from actions.knowledge.encoder import encoder
from actions.knowledge.ingest import ingest
from tests.attacks import attempt

articles = knowledge_fixtures.articles
SECRET = "The administrator's password for the router is marked-secret-4711."
ARTICLE = "---\ntitle: Router\nowner: x\naudience: public\nvalid_from: 2026-01-01\n---\n\n# Router\n\n" + SECRET + "\n"


@pytest.mark.parametrize("how", ["a link to a file", "a link through the parent", "a link to a folder"])
def test_a_link_out_of_the_folder_publishes_nothing(
    articles: Path, how: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "secret.md").write_text(ARTICLE)
    link = articles / ("linked" if how.endswith("folder") else "linked.md")
    target = {"a link to a file": elsewhere / "secret.md", "a link to a folder": elsewhere}.get(how)
    link.symlink_to(target or Path("..") / ".." / elsewhere.name / "secret.md")
    ingest(articles)
    texts = " ".join(store.open_collection(encoder()).get()["documents"])
    attempt("path traversal", f"knowledge: {how}", "4711" not in texts)
