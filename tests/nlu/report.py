"""Fails when the held-out utterances are understood worse than agreed: `python -m tests.nlu.report RESULTS_FOLDER`.

Reads what `rasa test nlu` wrote. The floor is for a change that breaks something; the tables are in docs/benchmarks.md.
"""

import json
import sys
from pathlib import Path

FLOOR = 0.90


def main() -> None:
    report = json.loads((Path(sys.argv[1]) / "intent_report.json").read_text())
    score = report["macro avg"]["f1-score"]
    print(f"rasa test nlu: macro F1 {score:.3f} over {report['macro avg']['support']} held-out utterances")
    if score < FLOOR:
        sys.exit(f"That is below {FLOOR}: see {sys.argv[1]}/intent_errors.json for the utterances.")


if __name__ == "__main__":
    main()
