"""Person names, as a Presidio recogniser over spaCy's named entities.

spaCy's small model misses names without capitals and takes many a foreign one for a company or a place. So what it says
is joined with what the words around say: titles, "my name is", sign-offs, lists of names; and a message typed without
capitals is read a second time with capitals on the words that no dictionary has.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import regex
from presidio_analyzer import EntityRecognizer, RecognizerResult

Add = Callable[[int, int, float], None]

CUED = 0.9
TITLED = 0.9
TAGGED = 0.75
GUESSED = 0.6
MOST_WORDS = 4

_WORD = r"\p{Lu}[\p{L}\p{M}'’-]+"
_INITIAL = r"\p{Lu}\.?(?!\w)"
_PARTICLE = (
    r"(?:van der|van den|van de|van|von|de la|de|del|della|di|da|dos|du|la|le|el|al|bin|ibn|ben|st\.?|mac|ter|ten|zu)"
)
_NAME = rf"(?:{_WORD}|{_INITIAL})(?:[ \t]+(?:{_PARTICLE} )?(?:{_WORD}|{_INITIAL})){{0,3}}"
_NAME_LOWER = r"\p{L}[\p{L}\p{M}'’-]+(?: \p{L}[\p{L}\p{M}'’-]+){0,2}"
_TITLE = r"(?:mr|mrs|ms|miss|mx|dr|prof|professor|doctor|sir|madam|dame|lord|lady|rev|reverend|father|captain|capt|sgt|lt|hon)\b\.?"

_TITLED = regex.compile(rf"\b(?i:{_TITLE}) (?:{_NAME})(?:,? (?:Jr|Sr|PhD|MD|DDS|DVM|II|III|IV|V)\b\.?)?")
_TITLED_LOWER = regex.compile(r"\b(?:mr|mrs|ms|miss|dr|prof)\b\.? \p{L}[\p{L}'’-]+(?: \p{L}[\p{L}'’-]+)?", regex.I)
# Words that name a person for certain: what follows is a name even when the dictionary has it.
_CUE = (
    r"(?:(?:my|his|her|their|our|the|'s|s'|whose|full|first|last|middle|maiden|second|legal|account holder.?s?|customer.?s?)[ ](?:\p{L}+ )?"
    r"(?:names?|surname)(?: on (?:the |my |your )?(?:account|bill|contract|card))?(?: is|'s|’s| was| are|:)"
    r"|(?:^|[\n,;])\W{0,4}(?:full |first |last |customer |account |contact |patient )?(?:name|surname|customer|account holder|contact|attn|attention|from|to|cc|dear|signed|signature) ?:"
    r"|names?\?|name is|name.s|(?:calls?|called|call) me|(?:i am|i'm|i’m|im|this is) called|named (?:him|her|it|them)|goes by"
    r"|(?:husband|wife|partner|son|daughter|mother|father|mum|mom|dad|brother|sister|friend|colleague|boss|manager|neighbour|neighbor|landlord|landlady|carer|nan|uncle|aunt|cousin|flatmate|tenant|girlfriend|boyfriend|fianc[ée]e?|ex)(?:'s|’s)? (?:is called|name is|is named|called|named|,))"
)
_CUED = regex.compile(rf"(?i:(?:\b|(?<=\W)|^){_CUE})\W{{1,3}}(?P<name>(?:(?i:{_TITLE}) )?{_NAME})", regex.M)
_CUED_LOWER = regex.compile(rf"(?:\b|(?<=\W)|^){_CUE}\W{{1,3}}(?P<name>{_NAME_LOWER})", regex.I | regex.M)
# Words that often stand before a name: what follows must be written as one and be in no dictionary.
_HINT = (
    r"(?:i am|i'm|i’m|this is|speak(?:ing)? (?:to|with)|spoke (?:to|with)|talk(?:ed|ing)? (?:to|with)|ask(?:ed)? for|told|tell"
    r"|met|meet|meeting|meet(?:ing)? with|up with|named|dear|hi|hello|hey|thanks|thank you|cheers|regards|said|says|added|asked|said to"
    r"|under|directed by|written by|sung by|starring|husband|wife|partner|son|daughter|mother|father|mum|mom|dad|brother|sister"
    r"|friend|colleague|boss|manager|neighbour|neighbor|landlord|agent|technician|engineer|advisor|adviser|it's me|leave me|why is|why did)"
)
_HINTED = regex.compile(rf"(?:\b|(?<=\W)|^)(?i:{_HINT})[ ,]{{1,2}}(?P<name>{_NAME})", regex.M)
# What a person does or has: the capitalised word before it is one.
_AFTER = (
    r"(?:[’']s (?:phone|address|name|account|e-?mail|number|husband|wife|house|bill|contract|daughter|son|mother|father|birthday|card|line)\b"
    r"|,? (?:said|says|told|asked|asks|wrote|called|rang|phoned|e-?mailed|replied|lives|lived|moved|died|thinks|wants|wanted|spoke|promised|"
    r"had|spent|and i)\b|,? is (?:from|my|a (?:very )?\p{L}+ (?:person|man|woman|guy|friend|colleague)|so \p{L}+|here|away|ill|not home|the (?:account|bill)))"
)
_ACTING = regex.compile(
    rf"(?:^|[.!?\n\"“]\s{{0,2}}|\b(?:that|but|and|tell|said|why is|if|because|here's|here is|for|of|at|to|this is) )(?P<name>{_NAME})(?={_AFTER})",
    regex.M,
)
_CALLED = regex.compile(rf"(?:\b|(?<=\W)|^)(?:{_HINT}|{_CUE})[ ,]{{1,2}}$", regex.I)
_ACTS = regex.compile(_AFTER, regex.I)
_VOCATIVE = regex.compile(
    rf"^(?P<name>{_WORD}), (?=(?:can|could|will|would|please|i|are|do|how|what|why|where|when|you|thanks|thank)\b)",
    regex.M | regex.I,
)
_ADDRESSED = regex.compile(rf", (?P<name>{_WORD})[!.?]*\s*$")
_SIGNED = regex.compile(
    rf"\b(?i:regards|thanks|thank you|sincerely|faithfully|cheers|best wishes|best|yours|love|ta)[,.!]?[ \t]*\n?\s*[-–—]?\s*(?P<name>{_NAME})\s*$",
    regex.M,
)
_SIGNED_LOWER = regex.compile(
    r"\b(?:regards|sincerely|faithfully|best wishes)[,.!]?\s+(?P<name>\p{L}{2,}(?: \p{L}{2,})?)\s*$", regex.I
)
_ALONE = regex.compile(rf"^\W{{0,4}}(?P<name>{_WORD}(?: {_WORD}| {_INITIAL}){{1,2}})\W{{0,2}}$", regex.M)
_COMPANY = regex.compile(
    r"\b(?:ltd|limited|inc|corp|corporation|company|co|plc|llc|gmbh|ag|sa|group|bank|holdings|partners|associates|sons?|services?|solutions?"
    r"|systems?|technolog\w+|software|labs?|media|network|university|college|school|hospital|council|department|institute|society|and)\b\.?|&|\d",
    regex.I,
)
_NAMES = regex.compile(rf"(?<![\w@.'’-]){_NAME}(?!\w|@)")
_LOWER_GIVEN = regex.compile(r"(?<![\w@.'’/_-])(?P<first>\p{Ll}{3,})(?: (?P<last>\p{Ll}[\p{L}'’-]{2,}))?(?![\w@]|[.'’-]\w{3,})")
_LINKED = regex.compile(r"\s*(?:,|,? and|,? or|&|/)\s+$")


class NameRecogniser(EntityRecognizer):
    """Finds PERSON spans.

    `ordinary` says whether a word is in a dictionary; `house` whether it is one of the house's own words, such as a
    product's name; `votes` (0 to 3) how sure the model is that it is a name when nothing around speaks against it;
    `given` whether it is a common given name;
    `reread` gives the spaCy document of another text.
    """

    def __init__(
        self,
        ordinary: Callable[[str], bool],
        house: Callable[[str], bool],
        votes: Callable[[str], int],
        given: Callable[[str], bool],
        reread: Callable[[str], Any],
    ) -> None:
        self.ordinary, self.house, self.votes, self.given, self.reread = ordinary, house, votes, given, reread
        super().__init__(["PERSON"], name="PERSON")

    def load(self) -> None:
        """Nothing to load: the model has read the text already."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        found: dict[tuple[int, int], float] = {}

        def add(start: int, end: int, score: float) -> None:
            start, end = _trimmed(text, start, end)
            if end > start:
                found[start, end] = max(score, found.get((start, end), 0.0))

        for match in _TITLED.finditer(text):
            add(match.start(), match.end(), TITLED)
        for match in _TITLED_LOWER.finditer(text):
            words = match.group().split()[1:]
            known = [self.ordinary(word) for word in words]
            if not known[0] or words[0][0].isupper():
                add(
                    match.start(),
                    match.end() if not known[-1] else match.start() + len(match.group().rsplit(" ", len(words) - 1)[0]),
                    TITLED,
                )
        for match in _CUED.finditer(text):
            add(match.start("name"), match.end("name"), CUED)
        for match in _CUED_LOWER.finditer(text):
            self._lower(text, match, add)
        for match in _SIGNED_LOWER.finditer(text):
            self._lower(text, match, add)
        for match in _SIGNED.finditer(text):
            if self._unusual(match.group("name")):
                add(match.start("name"), match.end("name"), CUED)
        for pattern in (_HINTED, _ACTING, _VOCATIVE):
            for match in pattern.finditer(text, overlapped=pattern is _HINTED):
                if match.group("name")[0].isupper() and self._unusual(match.group("name"), every=True):
                    add(match.start("name"), match.end("name"), GUESSED)
        for match in _ADDRESSED.finditer(text):
            if self.votes(match.group("name")) > 1 and not self.house(match.group("name")):
                add(match.start("name"), match.end("name"), GUESSED)
        for match in _ALONE.finditer(text):
            first = match.group("name").split()[0]
            if self.votes(first) and self._unusual(match.group("name")):
                add(match.start("name"), match.end("name"), GUESSED)
        tagged = self._tagged(text, nlp_artifacts)
        for start, end in tagged:
            add(start, end, TAGGED)
        for start, end in (*self._mistaken(text, nlp_artifacts), *self._known(text, nlp_artifacts)):
            add(start, end, GUESSED)
        self._listed(text, found, add)
        return [RecognizerResult("PERSON", start, end, score) for (start, end), score in found.items()]

    def _lower(self, text: str, match: "regex.Match[str]", add: Add) -> None:
        """A name after a sure cue, in any case: the first word, and the next ones that no dictionary has."""
        name = match.group("name")
        words = name.split(" ")
        if self.ordinary(words[0]) and not words[0][0].isupper() and self.votes(words[0]) < 2:
            return
        length = len(words[0])
        for word in words[1:]:
            if self.ordinary(word) and not word[0].isupper():
                break
            length += 1 + len(word)
        start = match.start("name")
        add(start, start + length, CUED)

    def _unusual(self, name: str, every: bool = False) -> bool:
        """Whether a word of `name` (or each one) is neither in the dictionary nor the house's own."""
        words = [w for w in regex.split(r"[ \t]+", name) if len(w) > 2 and w[0].isupper()]
        odd = [not self.house(w) and not w.isupper() and (not self.ordinary(w) or self.votes(w) > 0) for w in words]
        return bool(odd) and (all(odd) if every else any(odd))

    def _tagged(self, text: str, nlp_artifacts: Any) -> list[tuple[int, int]]:
        """What spaCy calls a person, in the text as it is and, when it has no capitals, as it should be."""
        if nlp_artifacts is None:
            return []
        spans = [(e.start_char, e.end_char) for e in nlp_artifacts.entities if e.label_ == "PERSON"]
        spans = [
            span for span in spans if self._plausible(text[span[0] : span[1]]) and not text[slice(*span)].islower()
        ]
        capitals = regex.findall(r"\b\p{Lu}\p{Ll}+", text)
        if len(capitals) <= 1 and len(text) < 2000:
            raised = regex.sub(r"\b\p{Ll}[\p{L}'’-]{2,}", self._raised, text)
            if raised != text and len(raised) == len(text):
                persons = [(e.start_char, e.end_char) for e in self.reread(raised).ents if e.label_ == "PERSON"]
                spans += [span for span in persons if self._lower_plausible(text, *span)]
        return spans

    def _lower_plausible(self, text: str, start: int, end: int) -> bool:
        """Whether a name without capitals may be one: unknown words that what stands around calls a person."""
        words = text[start:end].split()
        if (
            not self._plausible(text[start:end])
            or len(words) > 3
            or (self.ordinary(words[0]) and self.votes(words[0]) < 2)
        ):
            return False
        return bool(_CALLED.search(text[max(0, start - 40) : start]) or _ACTS.match(text, end))

    def _raised(self, match: "regex.Match[str]") -> str:
        word = match.group()
        return word if self.ordinary(word) or self.house(word) else word[0].upper() + word[1:]

    def _plausible(self, name: str) -> bool:
        words = regex.findall(r"\p{L}[\p{L}'’-]*", name)
        if not words or regex.search(r"\d|@|://", name) or any(self.house(w) and len(w) > 2 for w in words):
            return False
        if len(words) == 1 and self.ordinary(words[0]):
            return self.votes(words[0]) > 0
        return not all(self.ordinary(w) and w[0].islower() for w in words)

    def _mistaken(self, text: str, nlp_artifacts: Any) -> list[tuple[int, int]]:
        """Companies of spaCy's that are persons: a first name begins them, and nothing else speaks of a company."""
        spans = []
        for entity in nlp_artifacts.entities if nlp_artifacts is not None else ():
            words = entity.text.split()
            if entity.label_ == "ORGANIZATION" and len(words) <= MOST_WORDS and self._plausible(entity.text):
                sure = 2 if len(words) > 1 else 3
                if (
                    words[0][0].isupper()
                    and not _COMPANY.search(entity.text)
                    and self.votes(words[0].strip(".,'’")) >= sure
                ):
                    spans.append((entity.start_char, entity.end_char))
        return spans

    def _known(self, text: str, nlp_artifacts: Any) -> list[tuple[int, int]]:
        """Names that the model knows out of context, where it sees nothing else; without capitals only common ones."""
        spans = []
        labels = [(e.start_char, e.end_char, e.label_) for e in nlp_artifacts.entities] if nlp_artifacts is not None else []
        for match in _NAMES.finditer(text):
            words = match.group().split()
            label = next((k for s, e, k in labels if s < match.end() and e > match.start()), "")
            opens = not text[: match.start()].rstrip() or text[: match.start()].rstrip()[-1] in ".!?\n:"
            sure = 3 if label == "LOCATION" or (label and len(words) == 1) else 2
            if any(self.house(w) and len(w) > 2 for w in words) or _COMPANY.search(match.group()) or words[0].isupper():
                continue
            first = words[0].strip(".,'’-")
            if self.given(first) or (self.votes(first) >= sure and not (opens and self.ordinary(first))):
                spans.append(match.span())
        for match in _LOWER_GIVEN.finditer(text):
            if self.given(match.group("first")) and not self.house(match.group("first")):
                last = match.group("last")
                named = last and (not self.ordinary(last) or self.given(last)) and not self.house(last)
                spans.append(match.span() if named else match.span("first"))
        return spans

    def _listed(self, text: str, found: dict[tuple[int, int], float], add: Add) -> None:
        """Names in a list with a name: "Okoro, Lee and Grant"."""
        if not found:
            return
        names = [m.span() for m in regex.finditer(_NAME, text)]
        for _ in range(3):
            sure = set(found)
            for (a, b), (c, d) in zip(names, names[1:], strict=False):
                if _LINKED.match(text[b:c]):
                    known = [any(s < f and e > t for s, e in sure) for t, f in ((a, b), (c, d))]
                    for other, span in ((1, (a, b)), (0, (c, d))):
                        if known[other] and not known[1 - other] and self._unusual(text[span[0] : span[1]]):
                            add(span[0], span[1], GUESSED)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without the possessive, line breaks and marks at its ends."""
    name = text[start:end].split("\n")[0]
    name = regex.sub(r"(?:[’']s|[\s,;:!?\"”’')(-])+$", "", name)
    lead = regex.match(r"[\s,;:\"“‘'(-]*", name)
    first = len(lead.group()) if lead else 0
    return start + first, start + max(len(name), first)


@lru_cache(maxsize=8192)
def stems(word: str) -> tuple[str, ...]:
    """`word` in lower case and what it may be a form of."""
    word = regex.sub(r"(?:[’']s|n[’']t|[’'](?:re|ve|ll|d|m))$", "", word.lower()).strip("'’-.")
    forms = [word]
    for ending, instead in (
        ("ies", "y"),
        ("es", ""),
        ("s", ""),
        ("ied", "y"),
        ("ed", ""),
        ("ed", "e"),
        ("d", ""),
        ("ing", ""),
        ("ing", "e"),
        ("er", ""),
        ("ers", ""),
        ("est", ""),
        ("ly", ""),
        ("ily", "y"),
        ("less", ""),
        ("ness", ""),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            stem = word[: -len(ending)] + instead
            forms.append(stem)
            if len(stem) > 3 and stem[-1] == stem[-2]:
                forms.append(stem[:-1])
    return tuple(forms)
