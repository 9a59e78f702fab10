"""Presidio recognisers for what has a form: cards, bank accounts, phones, e-mail, identity numbers, dates of birth, secrets.

Each is one of Presidio's extension points: a PatternRecognizer whose weak patterns (score below THRESHOLD) count only
beside one of its context words, or an EntityRecognizer that checks a check digit. Presidio's own e-mail and URL
recognisers are not used: they look for the list of domain suffixes on the network.
"""

from collections.abc import Callable
from typing import Any

import pytz
import regex
from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult
from presidio_analyzer.predefined_recognizers import IpRecognizer, NhsRecognizer, UkNinoRecognizer, UsSsnRecognizer
from stdnum import iban, luhn

FLAGS = regex.IGNORECASE | regex.MULTILINE
THRESHOLD = 0.5  # a span below it is not reported
WEAK = 0.3  # needs a context word
LIKELY = 0.65
SURE = 0.95

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_DATE = (
    r"\b(?:\d{1,2}[/. -]\d{1,2}[/. -](?:19|20)?\d{2}|(?:19|20)\d{2}[/.-]\d{1,2}[/.-]\d{1,2}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}\.?,? (?:19|20)\d{{2}}"
    rf"|{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d{{2}})\b"
)
# What may stand between a word such as "password" and its value.
_SAYS = r"(?:\s+(?:is|was|are|will be|should be|now|set to|number|no\.?|code|just))*\s*[:=#]?\s*[\"'“‘]?"


def luhn_valid(text: str) -> bool:
    """Whether `text` is a payment card's number: issuer's first digits, length and Luhn's check digit."""
    digits = regex.sub(r"\D", "", text)
    if not 13 <= len(digits) <= 19 or digits[0] not in "23456" or (len(digits) == 15 and digits[0] != "3"):
        return False
    return len(set(digits)) > 1 and luhn.is_valid(digits)


def iban_valid(text: str) -> bool:
    """ISO 13616: length and structure of its country, remainder 1 modulo 97."""
    return bool(iban.is_valid(text, check_country=False))


def phone_valid(text: str) -> bool:
    """Whether the number of digits is that of a phone number with its area or country code."""
    return 10 <= len(regex.sub(r"\D", "", text)) <= 15


CHECKS: dict[str, Callable[[str], bool]] = {"luhn": luhn_valid, "iban": iban_valid, "phone": phone_valid}


class CheckedPattern(PatternRecognizer):
    """Patterns whose finds one of CHECKS confirms."""

    def __init__(self, entity: str, patterns: list[Pattern], check: str = "", context: list[str] | None = None) -> None:
        self.check = CHECKS.get(check)
        super().__init__(entity, name=entity, patterns=patterns, context=context or [], global_regex_flags=FLAGS)

    def invalidate_result(self, pattern_text: str) -> bool:
        return self.check is not None and not self.check(pattern_text)


class CheckDigits(EntityRecognizer):
    """Numbers with a check digit; the longest valid part of a run wins, since the next number may follow at once."""

    def __init__(self, entity: str, run: str, shortest: int, valid: Callable[[str], bool]) -> None:
        self.run, self.shortest, self.valid = regex.compile(run, FLAGS), shortest, valid
        super().__init__([entity], name=entity)

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        found = []
        for match in self.run.finditer(text):
            start = match.start()
            ends = [start + m.end() for m in regex.finditer(r"[^\W_]+", match.group())]
            for end in reversed(ends):
                if end - start >= self.shortest and self.valid(text[start:end]):
                    found.append(RecognizerResult(self.supported_entities[0], start, end, 1.0))
                    break
        return found


class PhonePattern(PatternRecognizer):
    """Phone numbers: UK and international forms by themselves, any other digits beside a word such as "call"."""

    def invalidate_result(self, pattern_text: str) -> bool:
        digits = regex.sub(r"\D", "", pattern_text)
        return not 6 <= len(digits) <= 15 or len(set(digits)) == 1 or bool(regex.fullmatch(_DATE, pattern_text, FLAGS))


def _phones() -> PhonePattern:
    extension = r"(?:\s?(?:x|ext\.?|extension)\s?\d{1,5})?"
    patterns = {
        r"(?<![\w+])(?:\+\d{1,3}|00[1-9]\d{0,2})[ .-]?(?:\(0\)[ .-]?)?(?:\(?\d{1,5}\)?[ .-]?){1,5}\d{2,5}(?!\w)": LIKELY,
        r"(?<![\w+./-])\(?0[1-9]\d{2,4}\)?[ .-]?\d{3,4}[ .-]?\d{3,4}(?![\w/])": LIKELY,
        r"(?<![\w+./-])\(?0\d{1,2}\)?[ .-]?\d{4}[ .-]?\d{4}(?!\w)": LIKELY,
        r"(?<![\w+./:-])\(?0[1-9]\d{0,4}\)?(?:[ .-]\d{2,5}){1,4}(?![\w/:]|[.-]\d)": LIKELY,
        r"(?<![\w+./:-])0[1-9]\d{1,4}/\d{4,8}(?![\w/:])": LIKELY,
        r"(?<![\w+./-])\(\d{2,4}\) ?\d{2,4}[ .-]?\d{2,5}(?!\w)": LIKELY,
        r"(?<![\w+./:-])\d{2}(?:-\d\d){3,4}(?![\w/:-])": LIKELY,
        rf"(?<![\w+./:-])\d{{2,5}}(?:[ .-]?\d{{2,5}}){{1,4}}\s?(?:x|ext\.?|extension)\s?\d{{1,5}}(?!\w)": LIKELY,
        r"(?<!(?:order|account|card|reference|ticket|serial|tracking|model|case|invoice|customer|meter|policy|security|licen[cs]e"
        r"|booking|iban|insurance|passport|id) )\bnumber(?: is|:| to)?:? \K\(?\d{1,5}\)?(?:[ .-]?\(?\d{1,5}\)?){1,5}(?![\w/:]|\.\d)": LIKELY,
        rf"(?<![\w+./-])(?:1[ .-])?(?:\(\d{{3}}\) ?|\d{{3}}[ .-])\d{{3}}[ .-]\d{{4}}{extension}(?!\w)": LIKELY,
        rf"(?<![\w+./:-])\(?\d{{1,5}}\)?(?:[ .-]?\(?\d{{1,5}}\)?){{1,5}}{extension}(?![\w/:]|\.\d)": WEAK,
    }
    context = "phone telephone tel mobile cell cellphone landline call called calling ring text fax whatsapp reach reached dial answering answer contact hotline handset sms".split()
    return PhonePattern(
        "PHONE_NUMBER",
        name="PHONE_NUMBER",
        patterns=[Pattern(f"phone {n}", pattern, score) for n, (pattern, score) in enumerate(patterns.items())],
        context=context,
        global_regex_flags=FLAGS,
    )


def _pattern(entity: str, *patterns: str, score: float = SURE, context: str = "") -> CheckedPattern:
    """A recogniser of `patterns`; with `context` (words) they count only beside one of them."""
    named = [Pattern(f"{entity} {n}", pattern, WEAK if context else score) for n, pattern in enumerate(patterns)]
    return CheckedPattern(entity, named, context=context.split() or None)


def _secrets() -> CheckedPattern:
    """Values after the word that names them. A password must look like one: a digit or sign, or quoted."""
    quoted = r"(?<=[\"'“‘])[^\s\"'”’]{4,}"
    looks = r"(?=\S*[\d!@#$%^&*_+])[^\s\"'”’]{4,}(?<![.,;:?])"
    code = r"\d(?:[ -]?\d){3,7}\b"
    not_code = (
        r"(?<!error |fault |status |promo |voucher |discount |country |area |dialling |dialing |sort |post |zip )"
    )
    return _pattern(
        "SECRET",
        rf"\b(?:password|passphrase|passwd|pwd|memorable word){_SAYS}\K(?:{quoted}|{looks})",
        rf"\b(?:pin|passcode|otp){_SAYS}\K\d{{3,8}}\b",
        rf"\b(?:cvv2?|cvc2?|cv2|(?<!social )security (?:code|number))\b{_SAYS}\K\d{{3,8}}\b",
        rf"\b(?:one.?time|verification|login|log-in|access|sms|text|confirmation|authenti\w+)(?: pass)?code{_SAYS}\K{code}",
        rf"\b(?:one.?time|verification|login|log-in|access|confirmation|authenti\w+) (?:pass)?code{_SAYS}\K{code}",
        rf"{not_code}\bcode (?:is|was|says|they sent is|you sent is|i got is|:)\s*\K{code}",
        r"\b\d{4,8}(?= is (?:my|the) (?:pin|passcode|otp|(?:one.?time |security |verification )?code)\b)",
        r"\b(?:sk|pk|ghp|gho|xox[abp]|AKIA)[-_]?[A-Za-z0-9_-]{16,}\b",
    )


def _countries() -> list[str]:
    """The names of countries, with those in brackets left out: "Samoa (American)" is known as Samoa."""
    names = {name.split(" (")[0] for name in pytz.country_names.values()}
    return sorted(
        names | {"United Kingdom", "England", "Scotland", "Wales", "Northern Ireland", "USA", "U.S.A.", "UK"},
        key=len,
        reverse=True,
    )


def recognisers() -> list[EntityRecognizer]:
    """One recogniser or more for each entity that has a form."""
    identity = r"(?=[A-Z0-9-]*\d)[A-Z0-9](?:[A-Z0-9]|[ -](?=[A-Z0-9]*\d)){4,18}\b"
    return [
        CheckDigits("CREDIT_CARD", r"(?<!\w)(?<!\d[.-])\d(?:[ -]?\d){12,30}(?!\w)", 13, luhn_valid),
        _pattern(
            "CREDIT_CARD",
            r"(?<!\w)\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}(?!\w)",
            r"(?<!\w)3\d{3}([ -]?)\d{6}\1\d{5}(?!\w)",
            context="card cards visa mastercard amex maestro debit credit",
        ),
        CheckDigits("IBAN_CODE", r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,48}", 15, iban_valid),
        _pattern("UK_BANK_ACCOUNT", r"\bsort code\W{0,3}(?:is\W)?\s*\K\d{2}[ -]?\d{2}[ -]?\d{2}\b"),
        _pattern("UK_BANK_ACCOUNT", r"(?<![\w-])\d{8}(?!\w)", context="bank sort banking barclays hsbc lloyds natwest"),
        _pattern("EMAIL_ADDRESS", r"(?<![\w.+-])[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-z]{2,24}(?![\w-])"),
        _phones(),
        _pattern(
            "UK_POSTCODE",
            r"\b(?:[BEGLMNSW]|[A-Z]{2})\d[A-Z\d]?[ -]?\d[ABD-HJLNP-UW-Z]{2}\b",
            r"\b(?:zip(?: ?code)?|postal ?code|postcode|post code)(?: is|:)? ?\K\d{4,6}(?:-\d{4})?\b",
            score=LIKELY,
        ),
        _pattern("DATE_OF_BIRTH", _DATE, context="born birth birthday dob d.o.b birthdate bday"),
        UkNinoRecognizer(),
        NhsRecognizer(patterns=[Pattern("nhs", r"\bnhs\b[^\d\n]{0,20}\K\d{3}[ -]?\d{3}[ -]?\d{4}\b", THRESHOLD)]),
        UsSsnRecognizer(),
        _pattern("PASSPORT", rf"\bpassport(?: number| no\.?)?{_SAYS}\K{identity}"),
        _pattern("DRIVER_LICENSE", rf"\b(?:driver.{{0,2}}s?|driving) licen[cs]e(?: number| no\.?)?{_SAYS}\K{identity}"),
        IpRecognizer(),
        PatternRecognizer("LOCATION", name="LOCATION", deny_list=_countries(), deny_list_score=0.6),
        _secrets(),
    ]
