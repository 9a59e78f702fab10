"""Finding the right passage, and what it costs: `actions/.venv/bin/python -m benchmarks.knowledge [--data DIR]`.

1. Recall and mean reciprocal rank of dense, lexical and hybrid search and of the product's retriever, on the answerable
   questions of tests/answers.yml: an article counts as found at the rank of its first passage. With --data (the folder
   that holds grounding/begin_dev_wow.tsv) also on BEGIN (Dziri et al., 2022): the message that was replied to is the
   question, the sentence that the reply was to be grounded on the passage, one of all that occur in the file.
2. Time and memory of ingestion and of a search at several sizes. The articles are made: each section holds sentences of
   the real articles, drawn by chance and numbered so that no two are alike. Up to --embed chunks they are really
   embedded. Above that each text gets a vector of the real articles plus noise, stored before the indexer runs, so that
   its times leave out the encoder.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import yaml

from actions.knowledge import articles, index, split, store, vectors
from actions.knowledge.encoder import DIMENSION, encoder
from actions.knowledge.ingest import ingest
from actions.knowledge.retrieve import retriever
from actions.knowledge.words import stems
from actions.settings import ROOT, knowledge_dir

QUESTIONS = ROOT / "tests" / "answers.yml"
DAY = date(2026, 11, 22)
DENSE_SHARE = 0.7  # of the hybrid without sentences; the rest is BM25 over its maximum
SENTENCES = 4  # a made section
SECTIONS = 5  # a made article
NOISE = 0.03  # standard deviation in each of 384 dimensions: a cosine of about 0.86 to the vector it is added to

Ranker = Callable[[str], list[str]]


def rows_of(name: str, golds: list[tuple[str, set[str]]], rankers: dict[str, Ranker]) -> None:
    """Print a row for each ranker. `golds` are questions with the names of what should be found."""
    for how, ranker in rankers.items():
        ranks = []
        for question, right in golds:
            found = list(dict.fromkeys(ranker(question)))
            ranks.append(next((rank for rank, each in enumerate(found, 1) if each in right), 0))
        at = [sum(0 < rank <= limit for rank in ranks) / len(ranks) for limit in (1, 5)]
        mrr = sum(1 / rank for rank in ranks if 0 < rank <= 10) / len(ranks)
        print(f"| {name} ({len(golds)}) | {how} | {100 * at[0]:.1f} | {100 * at[1]:.1f} | {mrr:.3f} |", flush=True)


def by_scores(names: list[str], dense: np.ndarray, lexical: Callable[[list[str]], np.ndarray]) -> dict[str, Ranker]:
    """Dense, lexical and hybrid rankers over passages, `dense` [passages, 384], that belong to `names`."""

    def order(scores: np.ndarray) -> list[str]:
        return [names[i] for i in np.argsort(-scores, kind="stable")[:100]]

    def cosines(question: str) -> np.ndarray:
        return np.asarray(dense @ encoder().embed_cached([question])[0])

    def hybrid(question: str) -> list[str]:
        words = lexical(stems(question))
        return order(DENSE_SHARE * cosines(question) + (1 - DENSE_SHARE) * words / (words.max() or 1.0))

    return {
        "lexical (bm25s, stemmed)": lambda q: order(lexical(stems(q))),
        "dense (MiniLM int8)": lambda q: order(cosines(q)),
        f"hybrid {DENSE_SHARE} / {1 - DENSE_SHARE:.1f}": hybrid,
    }


def own_questions() -> None:
    """The questions of tests/answers.yml on the real articles, which are indexed for it."""
    ingest(knowledge_dir())
    folder = store.index_folder()
    assert folder is not None
    opened = index.Index(folder, store.folder())
    readable = opened.readable(DAY)
    held = store.open_collection(encoder())._collection.get(ids=[i.decode() for i in opened.ids], include=["metadatas"])
    of = dict(zip(held["ids"], (str(meta["article"]) for meta in held["metadatas"]), strict=True))
    names = [of[i.decode()] for i in opened.ids[readable]]
    asked = yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))
    golds = [
        (q["question"], {name.removesuffix(".md") for name in q["articles"]})
        for q in asked
        if q["facts"] and q["kind"] == "answerable"
    ]
    rankers = by_scores(names, opened.passage_vectors()[readable], lambda words: opened.lexical(words)[readable])
    rankers["the product's retriever"] = lambda q: [p.article for p in retriever().search(q, 60, DAY)]
    rows_of("own questions", golds, rankers)


def begin(file: Path) -> None:
    """Messages of BEGIN and the sentences that their replies should be grounded on."""
    import bm25s

    with file.open(encoding="utf-8", newline="") as lines:
        table = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    golds: dict[str, set[str]] = {}
    for row in table:
        if row["message"].strip():
            golds.setdefault(row["message"].strip(), set()).add(row["knowledge"].strip())
    names = sorted({row["knowledge"].strip() for row in table})
    words = bm25s.BM25()
    words.index([stems(name) for name in names], show_progress=False)

    def lexical(asked: list[str]) -> np.ndarray:
        known = [word for word in asked if word in words.vocab_dict]
        return words.get_scores(known) if known else np.zeros(len(names), dtype=np.float32)

    rows_of(
        f"BEGIN wow dev, {len(names)} sentences", list(golds.items()), by_scores(names, encoder().embed(names), lexical)
    )


def made(chunks: int, folder: Path) -> Iterator[articles.Article]:
    """Write articles of together `chunks` sections to `folder`, recombined from the real ones: of ten one is internal
    and one expired, and one in three is about one of 20 products."""
    draw = np.random.default_rng(1)
    real = [articles.load(path, knowledge_dir()) for path in articles.files(knowledge_dir())]
    said = [s for article in real for chunk in split.chunks(article) for s in index.spoken(chunk.page_content)[0]]
    said = [s.rstrip(".!?") for s in said if 30 < len(s) < 200]
    for number in range(0, chunks, SECTIONS):
        kind = number // SECTIONS
        body = ""
        for section in range(SECTIONS):
            picked = draw.integers(len(said), size=SENTENCES).tolist()
            spoken = [f"{said[p]} (case {number + section}-{n})." for n, p in enumerate(picked)]
            body += f"## Part {section + 1} of {kind}\n\n{' '.join(spoken)}\n\n"
        front = {
            "title": f"{real[kind % len(real)].front.title[:80]} {kind}",
            "audience": "internal" if kind % 10 == 9 else "public",
            "valid_from": date(2025, 1, 1),
            "owner": "benchmark",
            "products": [f"product {kind % 20}"] if kind % 3 == 0 else [],
        } | ({"valid_until": date(2025, 12, 31)} if kind % 10 == 8 else {})
        path = folder / f"{kind % 100}" / f"{kind}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\n{yaml.safe_dump(front)}---\n\n{body}", encoding="utf-8")
        yield articles.load(path, folder)


def with_noise(texts: list[str], real: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """A unit vector for each text: a real one plus noise."""
    found = real[draw.integers(len(real), size=len(texts))].astype(np.float32)
    found += NOISE * draw.standard_normal((len(texts), DIMENSION), dtype=np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def at_size(chunks: int, work: Path, real: np.ndarray, embedded: bool) -> None:
    """Ingest made articles and search them, each in a process of its own; prints a row."""
    folder, var = work / f"knowledge-{chunks}", work / f"var-{chunks}"
    (var / "chroma").mkdir(parents=True)
    writer, draw = vectors.Vectors(var / "chroma", encoder()), np.random.default_rng(2)
    for article in made(chunks, folder):
        if not embedded:
            documents = [chunk.page_content for chunk in split.chunks(article)]
            texts = writer.missing(text for d in documents for part in ([d], *index.spoken(d)) for text in part)
            writer.append([vectors.key(text) for text in texts], with_noise(texts, real, draw))
    env = os.environ | {"TANDEM_VAR": str(var), "TANDEM_KNOWLEDGE": str(folder), "OMP_NUM_THREADS": "1"}
    seconds, peak = timed_ingest(env)
    disk = sum(file.stat().st_size for file in var.rglob("*") if file.is_file()) / 1e6
    command = [sys.executable, "-m", "benchmarks.knowledge", "--probe"]
    found = json.loads(subprocess.run(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    cells = [
        f"{chunks:,}",
        "real" if embedded else "synthetic",
        f"{60 * chunks / seconds:,.0f}",
        f"{peak:.0f}",
        f"{disk:.0f}",
        f"{found['open']:.1f}",
        f"{found['base']:.0f} → {found['memory']:.0f}",
        *(f"{found[name][0]:.0f} / {found[name][1]:.0f}" for name in ("encoder", "cpu", "wall")),
    ]
    print(f"| {' | '.join(cells)} |", flush=True)
    shutil.rmtree(folder)
    shutil.rmtree(var)


def timed_ingest(env: dict[str, str]) -> tuple[float, float]:
    """Index in a process of its own: CPU seconds, and its highest resident memory in MB."""
    command = [sys.executable, "-m", "actions.knowledge"]
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL)
    peak = 0.0
    while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
        peak = max(peak, memory(process.pid))
        time.sleep(0.1)
    if ended[1]:
        sys.exit("The ingestion failed.")
    return ended[2].ru_utime + ended[2].ru_stime, peak


def probe() -> None:
    """Open the knowledge in TANDEM_VAR and search it; prints what that costs as JSON (s, MB; ms p50 and p95)."""
    asked = [q["question"] for q in yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))]
    encoder().embed(["ready"])
    base = memory(os.getpid())
    started = time.process_time()
    retriever().search("the first one loads everything", 5, DAY)
    opened = time.process_time() - started
    taken: dict[str, list[float]] = {"encoder": [], "cpu": [], "wall": []}
    for question in asked:
        started, cpu = time.perf_counter(), time.process_time()
        retriever().search(question, 5, DAY)
        taken["wall"].append(time.perf_counter() - started)
        taken["cpu"].append(time.process_time() - cpu)
        cpu = time.process_time()
        encoder().embed([question])
        taken["encoder"].append(time.process_time() - cpu)
    found = {name: [1000 * float(np.quantile(times, q)) for q in (0.5, 0.95)] for name, times in taken.items()}
    print(json.dumps({"open": opened, "base": base, "memory": memory(os.getpid())} | found))


def memory(process: int) -> float:
    """Resident memory of a process, MB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Recall, time and memory of the knowledge base.")
    parser.add_argument("--data", type=Path, help="folder with grounding/begin_dev_wow.tsv")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 10_000, 100_000], help="chunks")
    parser.add_argument("--embed", type=int, default=1000, help="up to this size chunks are really embedded")
    parser.add_argument("--probe", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe:
        return probe()
    with tempfile.TemporaryDirectory(prefix="bench-knowledge-") as place:
        os.environ["TANDEM_VAR"] = f"{place}/real"
        print("| questions | search | recall@1 % | recall@5 % | MRR@10 |")
        print("|---|---|---|---|---|")
        own_questions()
        if options.data:
            begin(options.data / "grounding" / "begin_dev_wow.tsv")
        real = np.array(vectors.mapped(vectors.Vectors(store.folder(), encoder()).path))
        print("\n| chunks | vectors | indexed a CPU-minute | indexer's peak MB | MB on disk | opened in CPU s ", end="")
        print("| MB before → after | encoder CPU ms p50 / p95 | search CPU ms | search ms |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        for size in options.sizes:
            at_size(size, Path(place), real, size <= options.embed)
    return None


if __name__ == "__main__":
    main()
