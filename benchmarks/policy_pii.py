"""Personal data found in presidio-research's generated sample: `actions/.venv/bin/python -m benchmarks.policy_pii DATA`.

DATA is the folder that holds pii/generated_large.json. Ours was tuned on the texts with an even `template_id`; those
with an odd one are held out, and both are shown. The peer is Presidio with its own recognisers and the same spaCy
model, on the same texts in the same run.

What is counted: labels become coarse types (COARSE); neighbouring spans of one type with nothing but white space or
marks between them become one, in the data as in what was found; a span is right when one of the same type covers it so
that intersection over union, in characters, is at least one half. "overlap" in the last columns asks for one common
character only. "personal data" leaves out companies, dates other than in the data's own date type, and web addresses,
which no rule redacts; "all labels" is everything but job titles.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

Found = tuple[int, int, str]  # start, end, coarse type
Detect = Callable[[str], Iterable[tuple[int, int, str]]]  # start, end, the detector's own label

COARSE = {
    "PERSON": "name",
    "PREFIX": "name",
    "ADDRESS": "address or place",
    "LOCATION": "address or place",
    "UK_POSTCODE": "address or place",
    "CREDIT_CARD": "payment card",
    "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "e-mail",
    "IBAN_CODE": "IBAN",
    "US_SSN": "US social security number",
    "US_DRIVER_LICENSE": "driving licence",
    "DRIVER_LICENSE": "driving licence",
    "IP_ADDRESS": "IP address",
    "ORGANIZATION": "organisation",
    "DATE_TIME": "date",
    "DATE_OF_BIRTH": "date",
    "DOMAIN_NAME": "web address",
    "URL": "web address",
}
NOT_PERSONAL = {"organisation", "date", "web address"}
# Labels that the data set has no counterpart for; what is found there is counted as wrong.
OTHER = "other"
IOU = 0.5
_BETWEEN = re.compile(r"[\s\W_]*\Z")


@dataclass
class Tally:
    """Counts of one type: spans in the data, spans found, and how many of each have a partner."""

    wanted: int = 0
    found: int = 0
    right: int = 0
    touched: int = 0  # spans in the data that one of the same type overlaps
    touching: int = 0  # spans found that overlap one of the same type

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.wanted + other.wanted,
            self.found + other.found,
            self.right + other.right,
            self.touched + other.touched,
            self.touching + other.touching,
        )

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.wanted if self.wanted else 0.0

    def f(self, beta: float = 1.0) -> float:
        """The F measure; 2 weighs recall more, as presidio-research does."""
        p, r, b = self.precision, self.recall, beta * beta
        return (1 + b) * p * r / (b * p + r) if p + r else 0.0


@dataclass
class Sample:
    """One text of the data set with its spans."""

    text: str
    template: int
    spans: list[Found] = field(default_factory=list)


def read(folder: Path) -> list[Sample]:
    """The sample. Raises SystemExit with the reason when the file is missing or not what it should be."""
    path = folder / "pii" / "generated_large.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [
            Sample(
                entry["full_text"],
                int(entry["template_id"]),
                merged(
                    entry["full_text"],
                    [
                        (s["start_position"], s["end_position"], COARSE[s["entity_type"]])
                        for s in entry["spans"]
                        if s["entity_type"] in COARSE
                    ],
                ),
            )
            for entry in content
        ]
    except OSError as error:
        raise SystemExit(f"{path} cannot be read ({error.strerror}): see docs/benchmarks.md.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{path} is not presidio-research's sample ({error}): see docs/benchmarks.md.") from error


def merged(text: str, spans: Iterable[Found]) -> list[Found]:
    """Spans in order, neighbours of one type joined."""
    result: list[Found] = []
    for start, end, kind in sorted(spans):
        if result and result[-1][2] == kind and _BETWEEN.match(text[result[-1][1] : start]):
            result[-1] = (result[-1][0], max(end, result[-1][1]), kind)
        else:
            result.append((start, end, kind))
    return result


def _iou(a: Found, b: Found) -> float:
    common = min(a[1], b[1]) - max(a[0], b[0])
    return common / (max(a[1], b[1]) - min(a[0], b[0])) if common > 0 else 0.0


def score(samples: list[Sample], detect: Detect) -> dict[str, Tally]:
    """Counts by coarse type."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for sample in samples:
        found = merged(sample.text, ((s, e, COARSE.get(label, OTHER)) for s, e, label in detect(sample.text)))
        for kind in {k for *_, k in (*found, *sample.spans)}:
            want = [s for s in sample.spans if s[2] == kind]
            have = [s for s in found if s[2] == kind]
            tally = tallies[kind]
            tally.wanted += len(want)
            tally.found += len(have)
            tally.touched += sum(any(_iou(w, h) > 0 for h in have) for w in want)
            tally.touching += sum(any(_iou(w, h) > 0 for w in want) for h in have)
            free = list(have)
            for w in want:
                best = max(free, key=lambda h: _iou(w, h), default=None)
                if best is not None and _iou(w, best) >= IOU:
                    tally.right += 1
                    free.remove(best)
    return tallies


def total(tallies: dict[str, Tally], *, personal: bool) -> Tally:
    """The sum over all types, or over those that are personal data."""
    return sum((t for kind, t in tallies.items() if not (personal and kind in NOT_PERSONAL)), Tally())


def ours(text: str) -> list[Found]:
    """What the assistant's policy finds, readable kinds included."""
    from actions.policy import pii

    return [(s.start, s.end, s.kind) for s in pii.find(text)]


def presidio_as_shipped() -> Detect:
    """Presidio with its default recognisers and configuration, on the same spaCy model; no network."""
    import tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    from actions.policy.language import model_folder

    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)  # the list in the package
    configuration = {
        "nlp_engine_name": "spacy",
        "models": [{"lang_code": "en", "model_name": str(model_folder())}],
    }
    engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=configuration).create_engine())

    def detect(text: str) -> list[Found]:
        results = sorted(engine.analyze(text, language="en"), key=lambda r: (-r.score, r.start - r.end))
        kept: list[Found] = []
        for r in results:
            if not any(r.start < end and r.end > start for start, end, _ in kept):
                kept.append((r.start, r.end, r.entity_type))
        return kept

    return detect


def table(folder: Path) -> str:
    """The Markdown tables: totals of both halves beside the peer's, and each type on the held-out half."""
    samples = read(folder)
    halves = {
        "tuning (even templates)": [s for s in samples if s.template % 2 == 0],
        "held out (odd templates)": [s for s in samples if s.template % 2],
    }
    detectors = {"Tandem": ours, "Presidio as shipped": presidio_as_shipped()}
    results = {(half, name): score(part, d) for half, part in halves.items() for name, d in detectors.items()}
    lines = [
        "| texts | detector | types | precision | recall | F1 | F2 | overlap precision | overlap recall |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (half, name), tallies in results.items():
        for personal in (True, False):
            t = total(tallies, personal=personal)
            lines.append(
                f"| {half}, {len(halves[half])} | {name} | {'personal data' if personal else 'all labels'} "
                f"| {t.precision:.3f} | {t.recall:.3f} | {t.f():.3f} | {t.f(2):.3f} "
                f"| {t.touching / max(t.found, 1):.3f} | {t.touched / max(t.wanted, 1):.3f} |"
            )
    held = "held out (odd templates)"
    mine, theirs = results[held, "Tandem"], results[held, "Presidio as shipped"]
    lines += ["", "| type, held-out half | spans | Tandem P / R / F2 | Presidio P / R / F2 |", "|---|---|---|---|"]
    order = Counter({kind: t.wanted for kind, t in mine.items()})
    for kind, wanted in order.most_common():
        cells = [f"{t.precision:.2f} / {t.recall:.2f} / {t.f(2):.2f}" for t in (mine[kind], theirs.get(kind, Tally()))]
        lines.append(f"| {kind} | {wanted} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder that holds pii/generated_large.json")
    print(table(parser.parse_args().data))


if __name__ == "__main__":
    main()
