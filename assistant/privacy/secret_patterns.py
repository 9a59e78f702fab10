"""The patterns of card codes, passwords and one-time codes: `secret` is what goes, `keep` what stands beside it."""

# ruff: noqa: E501, SIM905  a pattern is easier to read on one line

from __future__ import annotations

import re

IS = r"(?:\s*(?:[:=]|\bis\b|['’]s\b|\bwas\b|\s-\s)\s*)"
_QUOTED = r"\"[^\"\n]{1,60}\"|“[^”\n]{1,60}”|‘[^’\n]{1,60}’|'[^'\n]{1,60}'"

_CARD_CODE_NAME = (
    r"(?:cvv2?|cvc2?|cv2|csc|cvn|card(?:'s)? (?:security |verification )?(?:code|pin)|"
    r"(?:security|verification) (?:code|digits|number) (?:on|of|from|for|at) (?:the |my )?(?:back|card)(?: of (?:the |my )?card)?|"
    r"(?:last )?(?:three|four|3|4) (?:digits|numbers) (?:on|at|from) the (?:back|front))"
)
NAMED_CARD_CODE = re.compile(
    rf"\b(?P<keep>{_CARD_CODE_NAME}(?:\s+(?:code|number|no\.?))?(?:[\s:=,\-(]|\bis\b|\bare\b|['’]s\b|\bwas\b){{0,6}})"
    r"(?P<secret>\d(?:[ .-]?\d){2,3})(?![\w£$€%]|[.,]\d)",
    re.IGNORECASE,
)
CARD_CODE_FIRST = re.compile(
    rf"(?<![\w£$€.,])(?P<secret>\d{{3,4}})(?P<keep>\s*[(,:-]?\s*(?:(?:is|as|for|was) )?(?:the |my |its |it's )?{_CARD_CODE_NAME}\b)",
    re.IGNORECASE,
)
_EXPIRY = r"(?:0?[1-9]|1[0-2])\s?[/\-.]\s?(?:20)?\d\d"
AFTER_CARD = re.compile(
    rf"(?P<keep>\[card number removed\]\W{{0,4}}(?:(?:exp\w*|valid|until|thru|to|date|end\w*|is|and|with|the|on){IS}?\W{{0,3}}){{0,4}}"
    rf"(?:{_EXPIRY}\W{{1,4}})?(?:(?:and|then|with|code|the){IS}?\W{{0,3}}){{0,3}})(?P<secret>\d{{3,4}})(?![\w/£$€%]|[.,:\-]\d)",
    re.IGNORECASE,
)
AFTER_EXPIRY = re.compile(
    rf"(?P<keep>\b(?:exp(?:iry|ires|iration)?|valid|end\w*)\b[^\d\n]{{0,20}}{_EXPIRY}\W{{1,4}}(?:and |then |code )?)"
    r"(?P<secret>\d{3,4})(?![\w/£$€%]|[.,:\-]\d)",
    re.IGNORECASE,
)

# What follows "my password is" when it is no password.
ORDINARY = frozenset(
    """a about accepted again all allowed already also always an and another any are as asked asking asks at bad
    because been being blocked broken but by can cannot can't case changed changing compromised correct declined deleted
    denied different disabled displayed does doesn't doing done due easy empty encrypted ever exactly expired expiring
    failing fine for forgotten from getting given going gone good hacked hard here hidden how i if in incorrect
    indeed insecure instead invalid it its it's just kept known leaked less like linked locked long longer lost made
    meant missing more my need needed needs never new no not nothing now of off ok okay old on one only or our out
    outdated over please printed private probably protected quite rejected refused required reset right safe same saved
    secret secure sent set short shown simple so soon stolen stored still strong stuck supposed suspended taking temporary
    that the their them then there this to too two typed unavailable under unknown unsafe used useless valid very was weak
    what what's when where which while who why will with without working works would written wrong you your yours""".split()
)
_PASSWORD_NAME = (
    r"(?:pass(?:words?|phrases?|codes?|wd)|p/?w|pwd|pin(?:[ -](?:codes?|numbers?|no\.?))?|"
    r"(?:memorable|secret|security|safe) (?:words?|answers?|phrases?)|log[ -]?in code)"
)
PASSWORD_IS = re.compile(
    rf"\b(?P<keep>{_PASSWORD_NAME}(?:\s+(?:for|on|to|of)\s+(?:(?:the|my|our|your|this)\s+)?[\w.-]+(?:\s+(?:account|app|router|wifi|online))?)?"
    rf"(?:{IS}|\s+(?:should|used to|has to|must) be\s+)(?:(?:just|still|now|currently)\s+)?)(?P<secret>{_QUOTED}|[^\s,;]+)",
    re.IGNORECASE,
)
PASS_IS = re.compile(rf"\b(?P<keep>pass\s?[:=]\s*)(?P<secret>{_QUOTED}|[^\s,;]+)", re.IGNORECASE)
# Without "is": only what cannot be a word.
PASSWORD_THEN = re.compile(
    rf"\b(?P<keep>{_PASSWORD_NAME}\s+(?:(?:to|as|with)\s+)?)(?P<secret>{_QUOTED}|(?=\S*[\d_!@#$%^&*])(?=\S*[A-Za-z\d])[^\s,;]{{4,}})",
    re.IGNORECASE,
)
PASSWORD_FIRST = re.compile(
    rf"(?<!\S)(?P<secret>{_QUOTED}|(?=\S*[\d_!@#$%^&*])[^\s,;]{{4,}})(?P<keep>\s+(?:is|as|was|for)\s+(?:my|the|our)\s+(?:\w+\s+)?{_PASSWORD_NAME}\b)",
    re.IGNORECASE,
)

_DIGITS = r"\d(?:[\s.\-]?\d){3,7}"
_CODE_NAME = (
    r"(?:(?:one[ -]?time|single[ -]use|verification|confirmation|authentication|auth|access|activation|log[ -]?in|sign[ -]?in|sms|text(?:ed)?|"
    r"e-?mail(?:ed)?|security|6[ -]?digit|six[ -]?digit|northlight|2fa|mfa) (?:pass)?(?:code|number|pin)s?|otp|totp|passcode)"
)
# "error code 5001" and "sort code 20-00-00" are none of ours.
_OTHER_CODE = (
    r"(?<!error )(?<!fault )(?<!status )(?<!sort )(?<!post )(?<!zip )(?<!area )(?<!dialling )(?<!dialing )(?<!country )(?<!discount )"
    r"(?<!promo )(?<!voucher )(?<!product )(?<!item )(?<!model )(?<!tax )(?<!reference )(?<!booking )(?<!gift )(?<!coupon )"
    r"(?<!offer )(?<!bar )(?<!tariff )(?<!order )(?<!referral )(?<!return )(?<!returns )(?<!tracking )(?<!puk )(?<!pac )(?<!stac )"
)
NAMED_CODE = re.compile(
    rf"\b(?P<keep>{_CODE_NAME}(?:\s+(?:that\s+)?(?:i got|i was sent|i received|you sent(?: me)?))?(?:{IS}|[\s,(]+))(?P<secret>{_DIGITS})(?![\w£$€%])",
    re.IGNORECASE,
)
MY_CODE = re.compile(
    rf"\b(?P<keep>{_OTHER_CODE}codes?(?:\s+(?:that\s+)?(?:i got|i was sent|i received|i have|you sent(?: me)?))?(?:{IS}|\s+))"
    r"(?P<secret>\d(?:[\s.\-]?\d){5})(?![\w£$€%]|[\s.\-]?\d)",
    re.IGNORECASE,
)
CODE_FIRST = re.compile(
    rf"(?<![\w£$€.,-])(?P<secret>{_DIGITS})(?P<keep>\s+(?:is|was|as)\s+(?:the|my|your)\s+(?:{_CODE_NAME}|code\b(?! (?:on|of|for))))",
    re.IGNORECASE,
)
# In the answer to the question for a code, any short number is one.
ANY_CODE = re.compile(rf"(?<![\w£$€])(?<!\d[\s.\-])(?P<secret>{_DIGITS})(?![\w£$€%]|[\s.\-]?\d)")
# Without a digit and without one of these there is no secret.
HINT = re.compile(r"pass|p/?w|pin|memorable|secret|security|safe", re.IGNORECASE)
