"""Do these sentences answer this question? How likely they do, from five signals and one rule.

covered   the share of the question's content words that the sentences, their headings or our synonyms hold, or words
          that a paraphrase may put for them; words that customers wrap around any subject ("sort out", "my mate")
          count only where they are held, and one more counts as missing: a single word in common tells little
focus     the same share of what the question asks for or names: "uptime" in "what uptime do you promise", "insurance"
          in "do you sell insurance", "devices" in "how many devices can I have"
score     the best passage's score of the search
contrast  how far that score lies above the last passage's: a question that our articles are about has a passage that
          stands out, any other one is about equally far from all
pull      how much the words that are not covered draw the question away from the answer, such as "bitcoin" in "can I
          pay in bitcoin"; looked at only where it can change the decision, since it costs more than all others

The rule: a product's name with a number that the articles don't give it ("Fibre 1000") is answered by nothing. The
weights are those of a logistic regression on the tuning half of tests/answers.yml and on tests/answers_tuning.yml.
"""

import re
from collections.abc import Sequence

import numpy as np

from actions.knowledge.days import MONTHS
from actions.knowledge.encoder import encoder
from actions.knowledge.equivalents import covered
from actions.knowledge.figures import figures
from actions.knowledge.retrieve import Passage
from actions.knowledge.words import names, our_words, stems, straight

BIAS, COVERED, FOCUS, SCORE, CONTRAST, PULL = -5.95, 3.3, 1.65, 3.3, 11.0, 88.0
MOST_CONTRAST = 0.25
SAME_QUESTION = 0.7  # cosine from which an author's example question is taken to ask the same
FEW = 5  # fewer passages have no contrast that tells something: it is taken to be
USUAL_CONTRAST = 0.1
MOST_PULL = 0.02
MIN_SUPPORT = 0.58  # a wrong answer costs more than "I don't know"

_EVERYDAY_WORDS = """
able actually add afford ago agree allow already always another anymore anywhere apply around arrange arrive ask
away back bad begin best better big bit bloke bother bring brother buy call came care case change charge check child
choose claim clear close come confirm contact correct cost couple currently dad daughter day deal decide depend
different difficult each easy end enough ever everything exactly expect explain extra family far fast feel few fill
final find fine finish first fix folk follow forget free friend full fully gave gone good great guy half happy hear
hold home hope hour house huge husband im include instead issue ive join keep kid kids kind know last late lately
later learn leave left letting line list little live look lose lot lots love main massive mate matter meant mind
minute mistake moment money month morning move mum name near never new next nice night normal normally nothing
notice number offer often old open option order owe paid parent part partner pay people per person phone pick place
plan plenty point post prefer pretty problem properly provide put quarter quick quickly quid quite reach read ready
real reason receive recently remember right ring run said sell send sent set several short shut simple sister
situation small somewhere son soon sort sound speak spend stand start stay still stop store straight stuff suppose
sure swap switch talk tell theres time today told tomorrow tonight total travel tried try turn twice type understand
unable upset usual usually wait walk week went whats wheres whole whos wife wish woman worth write wrong year
yesterday yet two three four five six seven eight nine ten twelve pound pounds pence
"""
_EVERYDAY = frozenset(stems(_EVERYDAY_WORDS))

_ASKED_FOR = re.compile(
    r"\b(?:(?:what|which|where)(?:'?s| is| are)?|how many"
    r"|do you (?:sell|do|offer|have|provide|give|take|accept)|(?:is|are) there"
    r"|can (?:i|you|we) (?:have|get|add|buy|order|give me))(?: (?:the|your|a|an|any|some|me))*"
    r" +(?P<named>(?:[a-z0-9'-]+ *){1,3})",
    re.I,
)
_ENDS = re.compile(
    r"\b(?:is|are|was|do|does|did|can|could|will|would|should|has|have|i|you|we|they|he|she|it|my|there|for|on|in|at|to"
    r"|of|off|from|with|by|per|than|as|about|near|since|if|when|that|and|or)\b.*",
    re.I | re.S,
)
_NUMBERED = re.compile(r"\b([a-z][a-z-]{2,}) (\d+)\b(?![.,:]\d|[%-])", re.I)


def support(question: str, quoted: Sequence[tuple[Passage, str]], passages: Sequence[Passage]) -> float:
    """How likely the quoted sentences, each with its passage and the best first, answer the question (0 to 1)."""
    if _other_number(question, [passage for passage, _ in quoted], passages):
        return 0.0
    total = BIAS + float(np.dot((COVERED, FOCUS, SCORE, CONTRAST), signals(question, quoted, passages)))
    enough = np.log(MIN_SUPPORT / (1 - MIN_SUPPORT))
    if enough <= total < enough + PULL * MOST_PULL:
        total -= PULL * min(pull(question, quoted), MOST_PULL)
    return float(1 / (1 + np.exp(-total)))


def signals(
    question: str, quoted: Sequence[tuple[Passage, str]], passages: Sequence[Passage]
) -> tuple[float, float, float, float]:
    """covered, focus, score and contrast, as above."""
    told = _told(question, quoted)
    spaced = re.sub(r"(\d)([a-z])", r"\1 \2", question, flags=re.I)  # "5GB" as the articles write it
    words = [(w, covered(w, told)) for w in stems(spaced)]
    counted = [held for word, held in words if held or word not in _EVERYDAY]
    asked = [w for w in asked_for(spaced) if w not in _EVERYDAY]
    scores = sorted(p.score for p in passages)
    contrast = min(scores[-1] - scores[0], MOST_CONTRAST) if len(scores) >= FEW else USUAL_CONTRAST
    return (
        sum(counted) / (len(counted) + 1),
        min(_share(asked, told), _share(sorted(names(question)), told)),
        quoted[0][0].score,
        contrast,
    )


def pull(question: str, quoted: Sequence[tuple[Passage, str]]) -> float:
    """How much the question's words that are not covered pull it away from the answer, 0 or more.

    A word's weight is how much the question's meaning changes without it, times how much closer the rest then is.
    """
    told = _told(question, quoted)
    absent = [
        m for m in re.finditer(r"[A-Za-z0-9']+", question) if stems(m.group()) and told.isdisjoint(stems(m.group()))
    ]
    if not absent:
        return 0.0
    shorter = [question[: m.start()] + question[m.end() :] for m in absent]
    vectors = encoder().embed_cached([question, " ".join(text for _, text in quoted), *shorter])
    matters = 1.0 - vectors[2:] @ vectors[0]
    closer = vectors[2:] @ vectors[1] - float(vectors[0] @ vectors[1])
    return float(np.sum(np.maximum(matters, 0.0) * np.maximum(closer, 0.0)))


def _share(words: Sequence[str], told: set[str]) -> float:
    """How many of the words are told, 0 to 1; 1 when there are none."""
    return sum(word in told for word in words) / len(words) if words else 1.0


def asked_for(question: str) -> list[str]:
    """The stems of what the question asks for by name; empty when it names nothing."""
    return [w for m in _ASKED_FOR.finditer(straight(question)) for w in stems(_ENDS.sub("", m["named"]))]


def _told(question: str, quoted: Sequence[tuple[Passage, str]]) -> set[str]:
    """The stems that the answer holds, and those that stand for our words in the question."""
    told = {word for passage, text in quoted for word in stems(f"{passage.context} {text}")}
    # An author said that the passage answers this: its words are others for what stands there.
    told |= {word for passage, _ in quoted if passage.asked >= SAME_QUESTION for word in stems(passage.example)}
    return told | {word for theirs in our_words(question).values() for word in theirs.split()}


def _other_number(question: str, quoted: Sequence[Passage], passages: Sequence[Passage]) -> bool:
    """Whether the question gives a name a number which that name has nowhere in the quoted passages, while it has
    others there."""
    plain = {f.value for f in figures(question) if f.kind == "plain"}
    asked = {(m[1].lower(), m[2]) for m in _NUMBERED.finditer(straight(question)) if float(m[2]) in plain}
    asked = {pair for pair in asked if stems(pair[0]) and pair[0] not in MONTHS}
    given = {(m[1].lower(), m[2]) for p in passages for m in _NUMBERED.finditer(f"{p.context} {p.text}")}
    held = {(m[1].lower(), m[2]) for p in quoted for m in _NUMBERED.finditer(f"{p.context} {p.text}")}
    return any(pair not in held and pair[0] in {name for name, _ in given} for pair in asked)
