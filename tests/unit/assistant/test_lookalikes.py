import time

import pytest

from assistant.channels.text import clean

READ_AS = {
    "саncel my оrder": "cancel my order",  # Cyrillic с, а, о
    "сору my order": "copy my order",  # a word of nothing but Cyrillic look-alikes
    "ΑΒС order": "ABC order",  # Greek and Cyrillic
    "pаsswоrd": "password",
    "ｃａｎｃｅｌ　ｎｏｗ": "cancel now",
    "𝐜𝐚𝐧𝐜𝐞𝐥 𝓶𝔂 ℴ𝓇𝒹ℯ𝓇": "cancel my order",
    "Ⓗⓔⓛⓟ": "Help",
    "ᶜᵃⁿᶜᵉˡ": "cancel",
    "ᴄᴀɴᴄᴇʟ": "cancel",
    "can\u200ccel": "cancel",
    "can\u00adcel": "cancel",
    "can\u034fcel": "cancel",
    "can\u3164cel": "cancel",
    "can\U000e0063cel": "cancel",  # a tag character
    "c̶a̶n̶c̶e̶l̶": "cancel",
    "①②❸": "123",
    "4️⃣1️⃣": "41",
    "⁴¹¹¹": "4111",
    "ﬁne": "fine",
    "1ˢᵗ": "1st",
    "ﾊﾟｿｺﾝ": "パソコン",
}


@pytest.mark.parametrize("typed, read", READ_AS.items())
def test_look_alikes_are_read_as_what_they_look_like(typed, read):
    assert clean(typed) == read


@pytest.mark.parametrize(
    "typed",
    [
        "£5 ½ m² CO₂ ™ … 5µm Ω €",
        "Siân Ŵyn Tŷ Gŵyl Łódź José Ærø Nguyễn İstanbul ısı",
        "У меня не работает router",
        "У меня не работает wi-fi",
        "мама купила wifi",
        "Привет, это Xерсон и SMSка",
        "Ελληνικά και router",
        "cпасибо",  # a Latin letter in a Russian word is a slip, and no imitation of English
        "👩\u200d👩\u200d👧 🧑🏽\u200d⚕️ 🏳️\u200d🌈 ❤️\u200d🔥 ☎️",
        "می\u200cخواهم",
        "क्\u200dष",
        "שָׁלוֹם",
        "ตั๋ว",
        "مُحَمَّد",
    ],
)
def test_what_people_mean_stays(typed):
    assert clean(typed) == typed


def test_piles_of_marks_are_cut():
    pile = "h" + "\u0301\u0302\u0303" * 30 + "i" + "\u0316" * 99
    assert len(clean(pile)) <= 6
    assert clean("4\u03041\u0304") == "41"


def test_a_long_text_takes_no_time():
    start = time.process_time()
    for nasty in ("а" * 10_000, "a\u0301" * 5_000, "pаy " * 2_500, "👩\u200d" * 5_000):
        clean(nasty)
    assert time.process_time() - start < 2
