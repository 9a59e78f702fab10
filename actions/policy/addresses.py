"""Street addresses in the forms of several countries, as one Presidio recogniser.

An address begins where a number, a street and often a unit stand together; it goes on over the lines and commas
that follow as long as they look like parts of an address: a unit, a place name, a region, a postcode, a country.
"""

from typing import Any

import regex
from presidio_analyzer import EntityRecognizer, RecognizerResult

SCORE = 0.85
MOST_PARTS = 6  # how many parts may follow the street
LONGEST_PART = 45  # characters

# A street's last word in English. The second group are everyday words as well: they count only in capitals.
_SUFFIX = (
    r"street|road|avenue|ave|lane|crescent|cres|terrace|boulevard|blvd|highway|hwy|parkway|pkwy|gardens|gdns|mews|grove"
    r"|turnpike|esplanade|promenade|cul-de-sac|rd|ln|high st"
)
_SUFFIX_CAPITAL = (
    r"Str?|Drive|Dr|Close|Court|Ct|Place|Pl|Square|Sq|Way|Hill|Row|Walk|Park|Parade|Rise|View|Green|Broadway|Circle|Cir"
    r"|Trail|Loop|Plaza|Villas?|Gate|Quay|Wharf|Yard|Fold|Croft|Dene|Drove|Heights|Ridge|Path|Pass|Crossing|Pike|Run|Bend"
)
# Words that come before the name elsewhere, and endings that are grown together with it.
_PREFIX = (
    r"rue|avenue|boulevard|place|chemin|impasse|quai|all[ée]e|calle|c/|avenida|avda|plaza|paseo|camino|cami[ñn]o|carrer"
    r"|via|viale|piazza|corso|vicolo|largo|strada|rua|travessa|pra[çc]a|estrada|ul\.?|ulica|aleja|al\.|os\.|plac|trg"
    r"|cesta|calea|strada|str\.|jalan|jl\.|ulitsa|van|am|an der|im|unter[en]*|ober[en]*"
)
_GROWN = (
    r"\p{L}{2,}(?:stra(?:ß|ss)e|stasse|str\.|gasse|allee|platz|damm|ufer|weg|wegen|straat|laan|plein|plaats|gracht|kade|dijk"
    r"|steenweg|gatan|gata|gate|v[äæa]gen|veien|vegen|vej|katu|kuja|polku|utca)"
)
_OWN_WORD = r"(?:[Uu]tca|[Uu]lice|[Uu]lica|[Ss]okak|[Ss]oka[ğg][ıi]|[Cc]addesi|[Kk]atu|[Tt]ie|[Úú]t|[Tt][ée]r|[Gg]ade|[Aa]ll[ée]|[Cc]esta)"

_NUMBER = r"(?:(?:no\.? ?)?\d{1,5}(?:[-/]\d{1,5})?[A-Za-z]?)"
_UNIT = r"(?:(?:flat|apt\.?|apartment|suite|ste\.?|unit|room|floor|bldg\.?|house|studio|maisonette)[ .#]{1,2}\d{1,5}[a-z]?\b)"
_CAPITAL = r"(?:\p{Lu}[\p{L}.'’-]*+(?!\w))"
_LOWER = r"(?:\p{L}[\p{L}.'’-]+)"
# No word of a street's name, so that "2 lines in our street" is none.
_NAMING = (
    r"(?:(?!(?:in|on|at|is|are|was|has|have|for|to|my|your|our|this|that|from|near|with|and|or|but|if|by|per|not|line|lines)\b)"
    r"\p{L}[\p{L}.'’-]+)"
)
_OF = r"(?:(?:de|da|do|di|du|del|della|des|dos|la|las|los|le|van|von|der|den|af|och|of|the|y|i) )"
# Words after a number that make it a quantity and no house number.
_QUANTITY = (
    r"(?!(?:day|week|month|year|hour|minute|second|time|working|percent|pound|mbps|gbps|mb|gb|gig|am|pm|st|nd|rd|th|of|or"
    r"|and|more|people|different|phone|router|device|miles?|metres?|in|on|at|is|are|for|to|the|a|an|my|by|from)s?\b)"
)

_STREETS = [
    rf"(?i:{_NUMBER}[, ]{{1,2}}(?:{_NUMBER}[, ]{{1,2}})?{_QUANTITY}(?:(?:{_NAMING}|\d{{1,3}}(?:st|nd|rd|th)) ){{1,4}}?(?:{_SUFFIX}))\b\.?(?: {_NUMBER}\b)?",
    rf"{_NUMBER}[, ]{{1,2}}(?:{_NUMBER}[, ]{{1,2}})?(?:(?:{_CAPITAL}|\d{{1,3}}(?:st|nd|rd|th)) ){{1,4}}(?:{_SUFFIX_CAPITAL})\b\.?(?: {_NUMBER}\b)?",
    rf"(?:{_CAPITAL} ){{1,3}}(?:Street|Road|Avenue|Lane|Crescent|Terrace|Boulevard|Gardens|Mews|Grove)\b(?: {_NUMBER}\b)?",
    rf"(?i:\b(?:{_NUMBER}[, ]{{1,2}}){{1,2}}(?:{_PREFIX}) {_OF}{{0,2}}{_LOWER}(?: {_OF}{{0,2}}{_LOWER}){{0,3}}?)(?:,? {_NUMBER}\b|(?=\s*[,\n]|\s*$))",
    rf"\b(?i:{_PREFIX}) {_OF}{{0,2}}{_CAPITAL}(?: {_OF}{{0,2}}{_CAPITAL}){{0,3}},? {_NUMBER}\b",
    rf"(?:\b(?:{_NUMBER}[, ]{{1,2}}){{1,2}}(?i:(?:{_LOWER} ){{0,2}}{_GROWN})\b|(?:\b{_CAPITAL} ){{0,2}}\b(?i:{_GROWN})(?=,? \d))(?:,? {_NUMBER}\b)?",
    rf"(?:\b{_NUMBER}[, ]{{1,2}})?\b{_CAPITAL}(?:[- ]{_CAPITAL}){{0,3}}[- ](?:Platz|Str(?:aße|asse|\.)|Weg|Allee|Ring|Ufer|Damm),? {_NUMBER}\b",
    rf"(?i:\b(?:address|live at|lives at|living at|meet(?:ing)?(?: \p{{L}}+)? at|(?:send|deliver|ship|return|post) (?:\p{{L}}+ ){{0,5}}to|located at|office is at)\b(?: is| are)?\W{{1,4}}(?:to |at )?)\K(?:{_NUMBER}[, ]{{1,2}})?{_CAPITAL}(?: {_OF}{{0,2}}{_CAPITAL}){{0,3}},? {_NUMBER}\b",
    rf"(?:\b{_NUMBER}[, ]{{1,2}}){{1,2}}{_CAPITAL}(?: {_OF}{{0,2}}{_CAPITAL}){{0,3}},? {_NUMBER}(?=\s{{0,3}},?\s{{0,3}}\n\W{{0,4}}\p{{Lu}})",
    rf"(?:\b{_NUMBER}[, ]{{1,2}})?(?:{_CAPITAL} ){{1,3}}{_OWN_WORD}(?:,? {_NUMBER}\b)",
    rf"(?i:(?:\b{_NUMBER} )?\bp\.? ?o\.? ?box \d{{1,6}}\b)",
    rf"(?i:\b(?:{_NUMBER}[, ]{{1,2}}){{1,2}}{_QUANTITY}(?:{_LOWER}[, ]{{1,2}}){{1,4}}(?:{_NUMBER}[, ]{{0,2}})?[\s,]{{0,4}}{_UNIT})",
    rf"(?i:{_UNIT},? \d{{1,5}}[a-z]?,? {_LOWER}(?: {_LOWER}){{0,3}})(?=\s*[,\n]|\s*$)",
    rf"(?i:\b(?:PSC|Unit|CMR) \d{{3,5}},? Box \d{{1,5}}\b)|\bUS[CNSV]{2, 3} [A-Z]\w+(?=\s+[AF]PO\b)",
    rf"(?i:\b(?:live|lives|living|lived|moved|moving|address is|located|deliver(?:ed)?|ship(?:ped)?|sent?|office) (?:to |at |in |it to )?(?:my |our |the )?(?:new |old |current )?(?:address |home )?(?:is |at )?)\K{_NUMBER}[, ]{{1,2}}{_CAPITAL}(?: {_CAPITAL}){{0,3}}",
]
_STREET = [regex.compile(rf"(?<![\w£$€.]){street}") for street in _STREETS]

_GAP = r"[ \t]*(?:,|,?\s*\n[^\w\n]{0,4}|(?<=\d) (?=\p{Lu}|\d)|(?<=\p{L})\.? (?=\d|\p{Lu}))\s*"
_POSTCODE = (
    r"(?:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|(?:[A-Z]{1,2}-)?\d{4,6}(?:-\d{3,4})?|\d{3} \d{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d)"
)
_PLACE = rf"{_CAPITAL}(?: {_OF}{{0,2}}{_CAPITAL}){{0,4}}"
_PART = [
    regex.compile(rf"(?i:{_UNIT})"),
    regex.compile(rf"(?i:{_POSTCODE})(?!\w)"),
    regex.compile(rf"[A-Z]{{2,3}}(?: {_POSTCODE})?\b(?!\w)"),
    regex.compile(rf"{_PLACE}(?: (?i:{_POSTCODE})(?!\w))?"),
    regex.compile(rf"(?:{_POSTCODE} )?{_PLACE}"),
]
# In a text without capitals: a line of its own, or words between commas.
_PART_LOWER = regex.compile(rf"(?:\p{{Ll}}[\p{{L}}.'’-]+ ?){{1,5}}(?:(?i:{_POSTCODE})(?!\w)|(?=\s*(?:,|\n|$)))")
_BEFORE = regex.compile(
    rf"(?i:(?:\bthe corner of |\bcorner of )|(?i:\b(?:flat|apt\.?|apartment|suite|unit|room) )|{_UNIT}[,\s]{{1,3}})$"
)
_CORNER = regex.compile(
    rf" (?:and|&) (?:{_CAPITAL} ){{1,3}}(?:{_SUFFIX_CAPITAL}|Street|Road|Avenue|Lane)\b|(?i: and (?:{_LOWER} ){{1,3}}(?:street|road))\b"
)
_GAP_END = regex.compile(_GAP)
_SENTENCE_WORDS = frozenset(
    "i you he she it we they the this that please thanks thank can could will would my what when where how why is are do does and but if hi hello dear regards call".split()
)


class AddressRecogniser(EntityRecognizer):
    """Finds ADDRESS spans; needs no language model."""

    def __init__(self) -> None:
        super().__init__(["ADDRESS"], name="ADDRESS")

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        starts = sorted(m.span() for pattern in _STREET for m in pattern.finditer(text))
        found: list[tuple[int, int]] = []
        for start, end in starts:
            if found and start < found[-1][1]:
                if end > found[-1][1]:
                    found[-1] = (found[-1][0], _extended(text, end))
                continue
            before = _BEFORE.search(text, max(0, start - 20), start)
            found.append((before.start() if before else start, _extended(text, end)))
        return [RecognizerResult("ADDRESS", start, end, SCORE) for start, end in found]


def _extended(text: str, end: int) -> int:
    """Where the address that has got as far as `end` really ends."""
    if corner := _CORNER.match(text, end):
        end = corner.end()
    for _ in range(MOST_PARTS):
        gap = _GAP_END.match(text, end)
        if not gap:
            break
        part = _part_at(text, gap.end(), fresh_line="\n" in gap.group())
        if part is None:
            break
        end = part
    return end


def _part_at(text: str, start: int, fresh_line: bool) -> int | None:
    """The end of the address part that begins at `start`, or None."""
    first = regex.match(r"\p{L}+", text[start : start + 20])
    if first and first.group().lower() in _SENTENCE_WORDS:
        return None
    ends = [m.end() for pattern in _PART if (m := pattern.match(text, start))]
    if not ends and (lower := _PART_LOWER.match(text, start)) and (fresh_line or text.islower()):
        ends = [lower.end()]
    return max(ends) if ends and max(ends) - start <= LONGEST_PART else None
