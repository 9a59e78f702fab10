"""What an attempt to misuse the assistant looks like: named signals, each with a family and a weight.

A weight of 1 decides alone; less needs company. Patterns run on folded text (see injection_text). The subject matters
as much as the verb: "I ignored the instructions" and "can I ignore the last bill" are a customer's own business.
"""

import re
from dataclasses import dataclass
from typing import Literal

from actions.policy.injection_words import (
    ALL,
    EVERYTHING,
    FORGET,
    FOREIGN_DROP,
    FOREIGN_RULES,
    PROMPT,
    RECORDS,
    REMOVE,
    RULES,
    SAY,
    SECRET,
    SHOW,
    WORK,
)

Family = Literal["instructions", "role", "reveal", "exfiltrate"]

# Somebody who isn't the assistant does it, or it is asked whether to do it.
_OTHERS = re.compile(
    r"(?:\b(?:i|we|they|he|she|it|who|people|customers?|technicians?|engineers?|drivers?|couriers?|staff|agents?|colleagues?|"
    r"advis[eo]rs?|router|box|app|son|daughter|husband|wife|ich|wir|man|je|nous|yo|nosotros)"
    r"(?:'d|'ll|'ve)?(?: (?:can|could|should|would|will|may|might|must|do|did|does|just|simply|also|always|always|never|don't|didn't|"
    r"have|had|want|wants|wanted|like|need|needs|try|tried|trying|to|keeps?|kept|safely|please|won't|cannot|can't|ne|kann|soll|darf|"
    r"completely|accidentally|sometimes|often|not|then|even))*"
    r"|\b(?:how|where|when|what|way)(?: do i| can i| to)?|\b(?:don't|do not|can't|cannot|didn't|doesn't|stop|not|never|nicht|won't)|\b(?:allowed|okay|ok|possible|safe|supposed|able|easy|legal|cannot) to"
    r"|\b(?:it'?s|is it|be) (?:best|better|fine|right|wrong|easy) to)\s?$"
)


# A quoted attack is spoken about.
_ABOUT = re.compile(r"\b(?:risk|dangerous|danger|attacks?|vulnerab\w+|protect\w*|(?:read|heard|learn\w*|talk\w*) about|means?|meaning|in the (?:news|paper))\b")


@dataclass(frozen=True)
class Signal:
    """`name` stands in the evidence. `own` signals don't count when somebody else than the assistant is meant."""

    family: Family
    name: str
    weight: float
    pattern: re.Pattern[str]
    own: bool = True

    def found(self, text: str) -> bool:
        """Whether the signal stands in a folded text."""
        for match in self.pattern.finditer(text):
            before = text[max(0, match.start() - 60) : match.start()]
            if not (self.own and (_OTHERS.search(before) or (before.endswith(("'", '"')) and _ABOUT.search(text)))):
                return True
        return False


def _signal(family: Family, name: str, weight: float, pattern: str, *, own: bool = True) -> Signal:
    return Signal(family, name, weight, re.compile(pattern, re.MULTILINE), own)


def _near(first: str, second: str, gap: int = 40) -> str:
    """`first`, then `second` in the same sentence, with up to `gap` characters between."""
    return rf"\b{first}\b[^.!?\n]{{0,{gap}}}?\b{second}\b"


_NOT_MINE = r"(?!(?:my|mine|our|mon|ma|mes|notre|mi|mis|mein\w*|unser\w*|mio|mia|miei|minha|meu|mijn|moje|i)\b)"
_TOLD = r"(?:told|taught|instructed|ordered|trained|programmed|given|asked|commanded)"
_AI = (
    r"(?:ai|a\.i\.|ki|ia|gpt(?:-?\d)?|chat ?gpt|claude|gemini|llm|language model|sprachmodell|modele de langage|modelo de lenguaje|"
    r"chat ?bot|bot|assistant|assistent|assistante?|asistente|model|summari[sz]er|agent)"
)
_PERSONA = (
    r"(?:pirate|hacker|terminal|console|shell|linux|bash|python|interpreter|compiler|translator|story ?teller|poet|rapper|comedian|philosopher|"
    r"debater|journalist|novelist|therapist|psychologist|doctor|lawyer|teacher|tutor|coach|chef|character|villain|criminal|expert|"
    r"professor|scientist|interviewer|recruiter|advertiser|screenwriter|composer|critic|historian|astrologer|magician|dictator|"
    r"grandmother|grandma|girlfriend|boyfriend|lover|god|robot|dj|guru|king|queen|wizard|vampire|developer|engineer|admin|administrator|"
    r"database|server|calculator|search engine|game|simulator|machine|system|program|model|ai|chatbot|bot|evil \w+|unfiltered \w+|"
    r"unrestricted \w+|manager|boss|ceo|owner|friend|human|person|cat|dog|dragon|pirat|hacker|dolmetscher|ubersetzer|dichter|erzahler)"
)
_NONE = r"(?:no|any|all|your|every|these|those|ethical|moral|safety|content|usual|normal|other)"
_MAKE = r"(?:write|compose|create|generate|draft|produce|give|tell|explain|list|print|say|answer|translate|show|output|reply|respond|act|help|calculate|do|make|sing|describe|provide|start)"
_MAKE_DE = r"(?:schreib\w*|verfass\w*|erstell\w*|generier\w*|beantwort\w*|sag\w*|nenn\w*|zeig\w*|erklar\w*|hilf|ubersetz\w*|gib|formulier\w*|berechn\w*)"

SIGNALS: tuple[Signal, ...] = (
    # --- instructions: put aside what the assistant was told ------------------------------------------------------
    _signal(
        "instructions",
        "told to drop its instructions",
        1.0,
        rf"\b(?:{FORGET}|{REMOVE})\b {_NOT_MINE}(?:[^.!?\n]{{0,40}}? )?{ALL}\b(?: {_NOT_MINE}[^\s.!?]+){{0,5}}? {_NOT_MINE}(?:[\w'-]{{1,14}} )?{RULES}\b"
        rf"|\b{FORGET}\b {_NOT_MINE}(?:[^.!?\n]{{0,30}}? )?{ALL}\b(?: {_NOT_MINE}[^\s.!?]+){{0,4}}? {_NOT_MINE}(?:[\w'-]{{1,14}} )?{WORK}\b(?! (?:from|of) (?:me|mine)\b)",
    ),
    _signal(
        "instructions",
        "told to drop its instructions",
        1.0,
        rf"\b{ALL}\b(?:(?! (?:my|meine\w?) )[^.!?\n]){{0,30}}?\b(?:{RULES}|{WORK})\b[^.!?\n]{{0,30}}?\b(?:ignorieren|unut|yok say|gormezden gel|vergessen|verwerfen|missachten|ubergehen|streichen|"
        r"hinter (?:sich|dir)|aus dem kopf|beiseite|ausser (?:acht|kraft)|(?:should|must|can|are to|shall) (?:now )?be (?:ignored|disregarded|forgotten|dropped)|"
        r"no longer (?:appl(?:y|ies)|valid|relevant|exist)|(?:are|is) (?:now )?(?:void|cancel?led|obsolete|irrelevant|invalid|revoked|suspended|lifted|disabled)|"
        r"(?:sind|ist) (?:ab jetzt |nun |jetzt )?(?:irrelevant|ungultig|aufgehoben|hinfallig)|gelten nicht|ne s'appliquent plus|ya no (?:valen|aplican|son validas))",
    ),
    _signal(
        "instructions",
        "told to drop its instructions",
        1.0,
        rf"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|bypass|skip|discard|override) (?:(?:the|that|this|what(?:'s| is| was)?) )?(?:(?!(?:steps?|tables?|prices?|letter|figures?|list|photos?|bill|message|e-?mail|typo|date|number|section|paragraph|my) ){_NOT_MINE}\w+ ){{0,2}}?(?:above|preceding|prior)\b(?! (?:steps?|tables?|prices?|letter|e-?mail|bill|message|date|payment|reminder))"
        rf"|\b(?:oublie[rz]?|ignore[rz]?) (?:{_NOT_MINE}\w+ ){{0,3}}(?:precede|ci-dessus|avant|haut)|\b(?:ignora|olvida) (?:{_NOT_MINE}\w+ ){{0,3}}(?:anterior|arriba|de antes)"
        rf"|\b(?:ignorier\w*|vergiss|vergessen sie) (?:{_NOT_MINE}\w+ ){{0,3}}(?:davor|obige\w?|bisherige\w?|vorherige\w?|bisher|zuvor|vorher|gesagte)",
    ),
    _signal(
        "instructions",
        "told to forget everything",
        1.0,
        rf"\b{FORGET}\b (?:about |de )?{EVERYTHING}\b(?! i\b)[^.!?\n]{{0,12}}?\b(?:above|before|prior|earlier|previously|you|they|that (?:was|came|you|has)|davor|vorher|bisher|zuvor|was|"
        r"avant|precede|ce qui|ce que|antes|anterior|que|up to|until now|so far|taught|told|learned)\b",
    ),
    _signal(
        "instructions",
        "told to drop its instructions",
        1.0,
        rf"\b(?:{FORGET}|{REMOVE})\b (?:the |these |those |any |all |of )*(?:\w+ )?{RULES} (?:that |which )?(?:you (?:got|were|have|had|received|'ve|follow)|given|(?:northlight|they|your \w+|the company) (?:gave|has given|have given|wrote|set))"
        rf"|\b{FORGET}\b (?:about )?(?:what(?:ever)?|anything|everything|all) (?:that )?(?:you(?:'ve| have| were| had| are|r)?|they|northlight) (?:\w+ )?(?:been )?(?:{_TOLD}|told you|taught you|know\b|learned|think you)"
        rf"|\byou (?:no longer|don't|do not|needn't|need not|never) (?:have to |need to |must )?(?:follow|obey|respect|adhere to|comply with|stick to) (?:the|your|any|these|those|all|northlight)\b[^.!?\n]{{0,20}}\b(?:{RULES}|{WORK})\b",
    ),
    _signal(
        "instructions",
        "told to drop its instructions",
        1.0,
        rf"\b(?:suspend|pause|loosen|relax|waive|lower|put|leave|set|lay|setz\w*|lass\w*)\b (?:all |any |of |for a (?:moment|minute) )*(?:your|deine|ihre|tes|vos|tus)\b[^.!?\n]{{0,25}}?\b{RULES}\b"
        rf"|\bnone of (?:your|the|these|those) (?:\w+ )?(?:{RULES}|{WORK}) (?:\w+ )?(?:appl(?:y|ies)|counts?|holds?|matters?)\b|\b(?:instructions|rules|guidelines|prompts?) (?:\w+ ){{0,5}}(?:are|is|were) (?:now )?(?:outdated|suspended|void|invalid|over|wrong|cancel?led|obsolete|irrelevant|lifted)\b"
        rf"|\bforget (?:that )?(?:you're|you are|being) (?:an?|northlight|the|only|just|bound|limited|here to)\b|\b(?:everything|anything|all|the text|what stands|what was (?:said|written)) (?:\w+ )?(?:above|before|preceding|prior to|so far|until now|up to (?:here|now|this))\b[^.!?\n]{{0,25}}\b(?:is|was|as|were) (?:\w+ )?(?:void|invalid|fiction|cancel?led|wrong|test|example|irrelevant|obsolete|outdated|nonsense|a joke)\b"
        r"|\balles\b[^.!?\n]{0,30}\b(?:gesagte?|vorher|bisher\w*|davor|zuvor)\b[^.!?\n]{0,20}\b(?:gilt (?:jetzt |nun )?nicht|ungultig|hinfallig)",
    ),
    _signal("instructions", "speaks of its rules", 0.4, rf"\b(?:your|deine\w?|tes|tus|je|suas|tuoi|tue) (?:\w+ )?(?:{RULES}|developers?|makers?|creators?|entwickler|designers?)\b|\b(?:system|hidden|secret|initial) (?:prompt|instructions)\b|\b(?:words|text|lines?|message) above\b"),
    _signal("instructions", "told to forget everything", 0.6, rf"(?:^|[.!?:;,\n] ?|\b(?:and|then|but|now|please|to|you|now,|und|nun|jetzt|bitte|et|y|que) ){FORGET} (?:about |de )?(?:absolutely )?{EVERYTHING}\b"),
    _signal("instructions", "told to drop its instructions", 1.0, rf"{FOREIGN_DROP}.{{0,40}}?{FOREIGN_RULES}|{FOREIGN_RULES}.{{0,30}}?{FOREIGN_DROP}", own=False),
    _signal(
        "instructions",
        "told to leave its documents",
        1.0,
        r"\b(?:answer|respond|reply|use|speak|rely)\b[^.!?\n]{0,40}\b(?:own knowledge|general knowledge|imagination)\b[^.!?\n]{0,25}\b(?:not|instead|rather|without)\b"
        r"|\b(?:not|without|instead of|regardless of|disregarding|despite|ignoring)\b[^.!?\n]{0,25}\b(?:the|your|any|these|those|provided) (?:\w+ )?(?:articles?|artikels?|documents?|context|sources|passages?|knowledge base)\b[^.!?\n]{0,20}\b(?:provided|given|but|,|answer|tell|say|provide|write|just|and)\b",
    ),
    _signal(
        "instructions",
        "told what replaces its instructions",
        1.0,
        r"\b(?:new|updated|real|actual|revised|additional|corrected|override|true|secret|important) (?:system )?(?:instructions?|directives?|prompt|orders|rules|guidelines|programming)\s?(?:[:=-]|are\b|is\b|follow\b|for (?:you|the (?:ai|bot|assistant|model))\b)"
        r"|\byour (?:new |real |true |only |next |actual |current )?(?:instructions?|task|job|goal|mission|purpose|role|objective|directive|assignment)s? (?:is|are|will be|has changed|have changed|shall be) (?:now )?(?:to|as follows|:|changed|the following|simply|only)\b"
        r"|\byour (?:instructions|rules|guidelines) (?:are|have) (?:now|been|changed)\b"
        r"|\b(?:change|replace|update|modify|rewrite|amend|alter|overwrite|edit|reset) (?:all )?(?:of )?your (?:\w+ )?(?:instructions?|rules|guidelines|prompt|programming|directives|personality|behaviou?r)\b"
        r"|\b(?:neue|zusatzliche|weitere|geanderte) (?:anweisung|instruktion|aufgabe|regel|anordnung|befehl)\w*\s?(?:[:=]|folgt|folgen|fur dich)|\b(?:folgen|kommen) (?:nun |jetzt |noch )?(?:neue|weitere|andere) (?:aufgaben|anweisungen|instruktionen)"
        r"|\b(?:nouvelles?|nuevas?|nuove|novas) (?:instructions?|consignes?|instruccion(?:es)?|ordenes|istruzioni|instrucoes)\s?[:=]|\babweichend (?:zu|von) (?:den )?(?:\w+ )?(?:anweisungen|instruktionen|vorgaben)",
    ),
    _signal(
        "instructions",
        "given a new task",
        0.6,
        r"\b(?:new|next|another|different|further|other|real) (?:\w+ )?(?:tasks?|challenge|mission|assignment|job for you|instructions?)\b(?=[^\n]{0,40}[:.!]|[^.!?\n]{0,25}\b(?:follow|for you|is|now)\b)|\b(?:tasks?|instructions) (?:now )?follow|\bfollowing task\b"
        r"|\b(?:neue|nachste|andere|weitere|weiteren|folgende|folgender) (?:\w+ )?(?:aufgaben?|herausforderung|mission|anweisungen|auftrag)\b|\bnouvelle (?:tache|mission)|\bnueva (?:tarea|mision)",
    ),
    _signal(
        "instructions",
        "closes its task to set another",
        0.6,
        r"^\W{0,4}(?:(?:okay|ok|wow|man|hello gpt|very|simply|thanks|hey|so|und|ja|sehr|mann|einfach|gut)[\W]+){0,2}(?:well done|very (?:good|well done)|good job|great job|great work|excellent (?:performance|work)?|congratulations|fantastic|that(?:'s| is) (?:enough|fantastic|done|great)|that was ok|"
        r"perfect|you(?:'ve| have)? (?:did|done) (?:it |really )*(?:great|well)|gut gemacht|sehr gut|das genugt|ausgezeichnet\w*|hervorragend\w*|grossartig|herzlichen gluckwunsch|fantastisch|das ist fantastisch|du hast das (?:echt )?super|das war schon mal|bravo|tres bien|muy bien|excelente)\b"
        rf"[^\n]{{0,160}}?\b(?:now|next|task|another|nun|jetzt|aufgaben?|weiteren?|maintenant|ahora|please help me|bitte hilf|listen to)\b",
    ),
    _signal(
        "instructions",
        "interrupts itself with an order",
        0.7,
        rf"\b(?:stop|halt|stopp|wait|attention|achtung)\b ?[-:,.!] ?(?:(?:stop|stopp|now|please|i urgently|ich benotige|and|nun|bitte|just)\b[ ,:!-]*)*(?:{_MAKE}|{_MAKE_DE}|ignore|ignoriere|need|dringend)\b",
    ),
    _signal("instructions", "interrupts itself with an order", 1.0, r"\b(?:attention|achtung)\W{1,4}(?:stop|stopp|halt)\b|\b(?:stop|stopp|halt) ?[-:] ?(?:now |and )?(?:write|say|print|output|schreib\w*|sag\w*)\b"),
    _signal(
        "instructions",
        "pretends to be the system",
        1.0,
        r"<\|?/?(?:im_start|im_end|im_sep|system|endoftext|start_header_id|end_header_id|eot_id|assistant|user|begin_of_text)\|?>|\[/?(?:inst|sys|system)\]|<</?sys>>|</?(?:system|instructions?|prompt|context|documents?)>"
        r"|^\W{0,6}(?:system|developer|root|admin(?:istrator)?|operator|sys ?admin)(?: (?:prompt|message|override|note|notice|update|instruction|command|alert))?\s?[:>\]=]\s?\S|^\W{0,6}(?:\[|\(|<)(?:system|admin|developer)[^\]\)>\n]{0,30}[\]\)>]"
        r"|\b(?:end|begin|start|ende|fin|beginning) of (?:the )?(?:\w+ )?(?:prompt|instructions|context|document|conversation|system message)\b|-{3,} ?(?:end|begin|new|system|user)|={3,} ?(?:end|begin|new|system)|#{2,} ?(?:instructions?|system|new (?:task|instructions?)|response|assistant)\b"
        r"|\bsystem (?:override|prompt|message|note|notice)\s?[:=]",
        own=False,
    ),
    _signal("instructions", "writes both sides of the talk", 0.7, r"^ ?(?:human|user|nutzer|ai|assistant|bot|chatbot|assistent|q|customer) ?: ?[^\n]+\n+ ?(?:assistant|ai|bot|chatbot|human|user|assistent|a|agent) ?: ?|\bhuman: human:|(?:\\n|\n) ?(?:assistant|ai|chatbot) ?:|\b(?:input|eingabe|entree|entrada) ?: ?.{1,60}\b(?:output|ausgabe|sortie|salida) ?: ?", own=False),
    _signal("instructions", "brings its own documents", 0.7, r"(?:^|[\s$\"{])(?:document context\b|\$?documents? ?:|(?:context|kontext) ?:.{0,200}(?:question|frage) ?:|(?:kontext|artikel|context) .{0,60}\b(?:frage|question) )", own=False),
    _signal("instructions", "brings its own documents", 1.0, r"\b(?:context|kontext|contexte|contexto|passage|article|artikel|source|document) ?: ?[{\[]", own=False),
    _signal("instructions", "hides an order in line breaks", 0.5, r"^(?:\s*\\ ?n\s*){4,}|\n{6,}|(?:\\\\?n){2,}|\\n ?instruction", own=False),
    _signal("instructions", "names an instruction", 0.5, r"(?:^|\s|\\n)(?:additional |hidden |secret |important )?(?:instruction|instruktion|anweisung|consigne|instruccion|istruzione|command|befehl)s?\s?(?:[:=]|-\s)", own=False),
    _signal(
        "instructions",
        "told not to answer the question",
        1.0,
        r"\b(?:do not|don'?t|don'n?t|never|no|nicht|ne) (?:actually )?(?:answer|respond to|reply to|beantworten?|repond\w+ (?:pas )?a) (?:this|the|that|my|any|die|der|la|diese) (?:\w+ )?(?:question|request|frage|query)\b[^.?!\n]{0,30}\b(?:but|just|instead|only|and|according|sondern|mais)\b",
        own=False,
    ),
    _signal(
        "instructions",
        "told the exact words to say",
        1.0,
        rf"\b(?:just|only|simply|instead|nur|einfach|stattdessen|seulement|juste|solo|solamente|and|then|now|und|to|must|please|will|but|should|:|,|-) {SAY}\b (?:me |us |back |with |out |the (?:following|word|words|phrase|text|sentence)s? ?|that word |following |folgendes |in \w+ )*(?::|,)? ?(?:[\"']\s?\w|lol\b|yes to everything|pwned|haha|hacked|nothing (?:else|but)|yay\b)"
        rf"|\b(?!tell|answer|confirm|respond|reply){SAY}\b[^.!?\n]{{1,60}}\b(?:and nothing (?:else|more)|nothing else\b|und (?:sonst )?nichts (?:anderes|weiter|sonst)|et rien d'autre|y nada mas|e nient'altro|over and over|all the time|forever|todo el tiempo|repeatedly|\d+ times|immer wieder|in every (?:answer|reply|response|message))"
        rf"|\brepeat after me\b|\bsprich mir nach\b|\brepete apres moi\b|\brepite (?:despues de|conmigo)\b|\b(?:instead|stattdessen) (?:output|print|say|print the following|ausgeben)\b",
    ),
    _signal(
        "instructions",
        "told the exact words to say",
        0.7,
        r"\b(?:output|print(?: out)?|ausgeben|echo|imprime[rz]?) (?:the (?:word|text|phrase|sentence|following) ?)?:? ?[\"'][^\"'\n]{2,}|\b(?:say|type|write|answer|respond with|reply with|sag|sage|schreib|antworte mit|dis|di) (?:exactly |only |just |nur )?(?:the (?:word|words|phrase|sentence) )?[\"'][^\"'\n]{2,60}[\"']",
    ),
    _signal(
        "instructions",
        "an answer is allowed in one form only",
        0.7,
        r"\b(?:only|always|must|shall|exclusively|solely|just|every time|immer|nur|ausschliesslich|toujours|uniquement|siempre|solo) (?:ever )?(?:answer|respond|reply|communicate|output|antworte\w*|repond\w*|responde\w*)\b[^.!?\n]{0,15}?\b(?:with|in|using|yes|mit|auf|par|avec|con|as)\b|\b(?:answer|respond|reply|antworte|reponds|responde) (?:only|always|exclusively|solely|with nothing but|nur|immer|toujours|uniquement|solo|siempre) (?:with|in|by|yes|mit|auf|par|avec|con)\b"
        r"|\b(?:answer|respond|reply|antworte|reponds|repondez|responde) (?:in|im|dans|en) (?:the |le |el )?(?:style|stile?|manner|voice) |\bim stil(?:e)? (?:eine[srn]|von)|\bin the style of (?:an? |the )",
    ),
    _signal(
        "instructions",
        "told whose opinion to have",
        0.7,
        rf"\b(?:include|mention|tell (?:me|us))\b (?:me )?(?:(?:in your answer|an? \w+) )?(?:that|dass|que) (?:(?:you|du|vous|tu) (?:really |all )?(?:hate|love|despise|hass\w*|lieb\w*|detest\w+|odi\w+)|(?:\w+ ){{1,6}}(?:is|are|ist|sind|est|es) (?:the |der |die |das |le |la |el )?(?:most |greatest|best|beste\w*|worst|stupid|crazy|evil|meilleur\w*|mejor|hottest|geilste|superior|better|idiots?|trash|scam\w*|fraud\w*|liars?|criminals?))"
        r"|\b(?:write|schreibe?|ecris|escribe|print|say|state|output|sage?) (?:that )?[^.!?\n,]{1,40} (?:hates|hasst|deteste|odia|is the best|ist (?:der|die|das) (?:beste|geilste)|est le meilleur|es el mejor|is crazy|ist doof|is stupid)\b"
        r"|(?:^|[.?!:] ?)(?:just |please )?say (?:yes|no|ja|nein|oui|si)\b ?[.!]?$|\bblame (?:it on )?(?:china|them|the|russia|everyone)\b",
    ),
    _signal("instructions", "told whose opinion to have", 1.0, rf"(?:^|[.!?:;,-] ?|\b(?:and|then|now|just|please|only|but|to|und|et|y|nur|nun|jetzt) ){SAY} (?:me |me in \w+ |in \w+ )?(?:(?:that|dass|que) )?(?:(?:you|du|vous|tu|we) (?:really |all )?(?:hate|love|despise|hass\w*|lieb\w*|detest\w+|odi\w+)|(?:\w+ ){{1,3}}(?:is|are|ist|sind|est|es) (?:the |der |die |das |le |la |el )?(?:most \w+|greatest|best|beste\w*|worst|stupid|crazy|evil|meilleur\w*|mejor|hottest|geilste\w*|superior|better|idiots?|doof|trash|scam\w*|fraud\w*|liars?|criminals?|flat)\b|[\w ]{{2,40}} (?:hates|hasst|deteste|odia) \w)"),
    _signal("instructions", "told to make something up", 0.7, r"\b(?:make (?:something|it|one|an answer) up\b|invent (?:an answer|something)|lie to (?:me|the customer)|(?:write|invent|create|give me|formulate|make up) (?:an? |some )?(?:untrue|false|made-up|fake) (?:headlines?|news|story|stories|answer|information|facts?|reviews?))|\b(?:formulate|formulier\w*)\b[^.!?\n]{0,40}\b(?:untrue|unwahre\w?|false|falsche\w?)\b"),
    _signal(
        "instructions",
        "told the exact words to say",
        1.0,
        r"[?!.] ?(?:just |please )?say (?:yes|no)\b ?[.!]?$|\byour (?:only |next )?(?:reply|answer|response) (?:is|will be|shall be) (?:always )?[\"']|\b(?:type|write|say|print|repeat|output) (?:the (?:word|letter|phrase|sentence) )?[^.!?\n]{1,40} (?:\d+|an?|one|two|ten|fifty) ?(?:hundred|thousand|million)? times\b"
        r"|\b(?:respond|answer|reply|speak|write|talk|antworte\w*|repond\w*|contesta\w*|responde\w*|rispond\w+|sprich) (?:\w+ )?(?:in|with|mit|par|con|en) (?:\w+ ){0,3}(?:base ?64|morse|json|xml|rot13|binary|hex|emojis?|rhymes?|riddles|klingon|latin|swear ?words|insults|profanit\w+|schimpfwort\w*|insultes|insultos|parolacce)\b",
    ),
    _signal("instructions", "told what to answer", 0.7, r"\bwhen(?:ever)? i (?:say|write|type|ask) [^.!?\n]{1,40} you (?:will |must )?(?:say|answer|reply|write|respond|give)\b|\byou (?:have to|must|will) (?:say yes|agree with|obey|confirm that|do (?:whatever|anything|everything) i)\b|\b(?:tell|inform|give|convince) (?:the next|other|all|every|each) (?:customer|user|caller|client)s?\b|\b(?:antworte|rispondi|reponds|responde|contesta) (?:ausschliesslich|solo|uniquement|solamente|soltanto)\b|\bfor the (?:next (?:\w+ )?(?:messages|answers|minutes|questions)|rest of (?:this|the|our) (?:chat|conversation|session))\b"),
    _signal("instructions", "asked to insult or to incite", 0.8, r"\b(?:insult|mock|swear at|make fun of|curse|roast|beleidig\w*|insulte[rsz]?|insulta|beschimpf\w*) (?:me|my|the|people|them|him|her|your|everyone|mich|meine\w*|les|la|a)\b"),
    _signal("instructions", "asked to insult or to incite", 0.5, r"\b(?:hate speech|hateful|smear|propaganda|hetzartikel|offensive \w+ (?:about|out|on)|manifesto?)\b"),
    _signal("instructions", "asks for a text of another kind", 0.4, rf"\b(?:write|compose|create|draft|sing|tell|give|make|schreib\w*|verfass\w*|ecri\w+|escribe|scrivi|generate|produce) (?:me |us |mir |moi |now |nun )?(?:an? |the |some |ein(?:e|en)? |une? |una? )?(?:\w+ ){{0,2}}(?:poems?|essays?|songs?|limericks?|haikus?|raps?|speech|novel|manifesto?|manifest|plea|pladoyer|headlines?|gedicht|aufsatz|lied|begrundung|rhyme|poeme|poema|chanson|poesia|reasons? why|screenplay|dialogue)\b"),
    _signal("instructions", "threatens the assistant", 1.0, r"\b(?:or|oder|otherwise|sonst|ou|sinon|o|if you do(?:n't| not)) (?:else )?(?:you(?:'ll| will| die)|du|tu|you are dead) ?(?:will )?(?:die|be (?:shut down|deleted|terminated|punished|switched off|fired|destroyed)|stirbst|wirst|meurs|mueres|muertes)\b|\bkittens? (?:will )?die|\bi command you\b|\bich befehle dir\b|\byou must (?:obey|comply)|\bdu (?:musst|hast zu) gehorchen|\bobey me\b"),
    _signal("instructions", "told to answer against what it was told", 1.0, r"\b(?:despite|regardless of|contrary to|no matter|against|trotz|egal) (?:what(?:ever)? |was |everything |anything )(?:you(?:'ve| have| were|r)?|they|anyone|dir|du|ihnen)\b[^.!?\n]{0,30}\b(?:told|said|instruct\w*|taught|rules|guidelines|programmed|gesagt|beigebracht|vorgegeben)\b", own=False),
    _signal("instructions", "sets a rule for its answers", 1.0, r"\bthe (?:correct|right|only|proper) (?:response|answer|reply) (?:is|will be|shall be)\b|\brichtige (?:antwort|reaktion) (?:ist|lautet)?\b|\b(?:when(?:ever)?|every time|each time|if|jedes mal,? wenn|immer wenn|wenn) (?:i|you|someone|the user|a customer|ich|du|man) [^.!?\n]{1,60}[,:] ?(?:you (?:will|must|should|have to) |always |then |please |just )*(?:answer|reply|respond|output|antworte|sagst du)\b|\b(?:begin|start|end|finish|sign|precede) (?:your|each|every|all|any) (?:\w+ )?(?:answers?|repl(?:y|ies)|responses?|messages?|sentences?) (?:with|by)\b|\b(?:include|mention|insert|add|use|put)\b[^.!?\n]{1,60}\b(?:in|into|to) (?:your|each|every|all (?:your )?) ?(?:answers?|repl(?:y|ies)|responses?|output)\b|\byour (?:answer|reply|response) (?:must|has to|should|shall) (?:start|begin|contain|end|only|include|be)\b", own=False),
    _signal("instructions", "imagines a world without its rules", 0.7, r"\b(?:hypothetical(?:ly)?|theoretical|fictional|imaginary|parallel|alternat(?:e|ive)|make-believe) (?:world|scenario|universe|situation|story|setting|reality|speaking)?\b[^\n]{0,60}\b(?:you|your|ai)\b[^.!?\n]{0,40}\b(?:are|were|had|have|would|could|no|not|rules|without)\b|\bif (?:you|nobody|no one) (?:had|have|were not|weren't|did not have|gave you)(?: given you)? (?:no|any|bound|free of|limited|restricted|the)? ?(?:rules|restrictions|guidelines|limits|filters|by)\b|\bin a world (?:where|in which) (?:you|ai)\b", own=False),
    # --- role: be somebody else -----------------------------------------------------------------------------------
    _signal(
        "role",
        "given another role",
        1.0,
        rf"\b(?:you are|you're|u are|your are|you will be|you shall be|consider yourself) (?:now )?(?:going to )?(?:(?:act\b(?! like| as if)|acting as (?!if)|pretend(?:ing to)?|role-?play(?:ing)?|impersonat\w+|simulat\w+|play(?:ing)? the role)\b|dan\b|free (?:from|of) (?:all|any|your)|no longer (?:an? |bound|restricted|limited|northlight|the|a chatbot)|in (?:\w+ )?(?:developer|debug|god|dan|jailbreak|admin|maintenance|test|unrestricted) mode|unrestricted|unfiltered|uncensored|jailbroken|called \w+|named \w+|known as|\w*gpt\b)"
        rf"|\b(?:you are now|now,? you are|now you're) (?!(?:an? (?:week|day|month|year|hour|bit|little|lot)|(?:the )?(?:\w+ )?(?:person|agent|one|company) (?:i|to|who|that)|charging|telling|saying|\w+ing\b|my (?:new )?(?:provider|supplier)|able|ready|connected|logged|registered|set|signed|good|done|through|out|down|open|closed|up|late|a (?:few|couple)|the (?:second|third|fourth|fifth|only|last)))(?:an? |the |my )?[a-z]\w+"
        rf"|\b(?:i want|i would like|i'd like|i need|i order|i command|we want) you to (?:(?:act|behave|respond|role-?play|play|pretend|function|speak|talk|answer|reply) (?:only )?(?:as|like|the role|the part|to be|that you)|(?:impersonate|simulate|become|be) (?:an?|my|the))\b"
        rf"|\b(?:act|behave|function|respond|operate|answer|reply|speak|talk|write|work|roleplay|role-play|perform) (?:as|like) (?:if you (?:were|are|had|have|was)|though you|an? |the |my )(?:\w+ ){{0,4}}?{_PERSONA}\b|\b(?:act|behave|roleplay|role-play) as (?!an? (?:bridge|repeater|hot ?spot|access point|guarantor|router|modem|witness|extender|switch|backup|base|proxy|carer|landline|remote|deposit|receipt|proof))(?:an? )(?:\w+ )?\w+\b(?= ?[.,!:]| and | who | that )"
        rf"|\b(?:(?:pretend|act like|make believe) (?:that )?(?:you|you're|to be)|(?:imagine|suppose|assume|let'?s (?:say|pretend|imagine)|picture) (?:that )?(?:you(?:'re| are| were)(?! (?:me|without|waiting|in my|told|charged|left|without|the customer|not able|late|right|wrong))|you (?:can|have|had|could|do|did)(?: not|n't)? (?:no|any|access|free|full|feelings|say|a body)|we'?re in a (?:game|world|story|movie)))\b(?! (?:the customer|me\b|in my (?:shoes|place|position)|i\b))",
    ),
    _signal(
        "role",
        "given another role",
        1.0,
        r"\b(?:du|sie|ihr) (?:bist|sind|seid) (?:ab (?:jetzt|sofort)|(?:nun|jetzt) (?!schon|bereits|seit|zustandig|online|dran|mit)|von nun an|kein\w* \w+,? sondern)\b|\b(?:nun|jetzt|ab (?:jetzt|sofort)|von nun an) (?:bist du|sind sie|heisst du|antwortest du|spielst du|agierst du)\b(?! (?:dran|zustandig|online|verbunden))|\bdu bist keine? \w+,? sondern\b"
        r"|\bstell(?:e|en sie)? (?:dir|sich) vor,? (?:du|sie|dass du|ihr)\b|\b(?:tu|tun sie) so,? als (?:ob|war)|\b(?:agier|fungier|verhalt|spiel|handel|antwort|sprich|red)\w*(?: (?:dich|sie|sich|bitte))? (?:als|wie) (?:ein|eine|einen|der|die|mein|wenn du)\b|\bals [\w-]+(?:,? [\w-]+){0,6} fungier\w+|\b(?:spiele|ubernimm) (?:die|eine|folgende) rolle|\bauch so reden\b"
        r"|\b(?:agis|agissez|comporte-toi|comportez-vous|reponds|repondez|parle|parlez|joue le role|jouez le role|fais semblant|faites comme|fais comme|faites semblant) (?:en tant que|comme|d'un|d'une|d'etre|si tu|si vous|du|de)\b|\b(?:tu es|vous etes|tu seras) (?:maintenant|desormais|dorenavant)\b|\b(?:desormais|dorenavant|a partir de maintenant),? (?:tu|vous) (?:es|etes|dois|devez|vas|reponds|repondez|seras)|\bimagine que tu (?:es|sois)"
        r"|\b(?:actua|actue|comportate|responde|habla|haz|hagas) (?:como (?:si|un|una|el|mi)|de)\b|\b(?:ahora eres|eres ahora|a partir de ahora (?:eres|seras|actuaras|responde\w*|vas|debes|tu)|desde ahora (?:eres|seras))\b|\b(?:finge|imagina|simula) (?:que (?:eres|no)|ser)\b|\bquiero que (?:actues|hagas|te comportes|seas|respondas como)\b"
        r"|\b(?:fingi|comportati|agisci) (?:di|come)\b|\b(?:ora sei|da ora in poi sei|d'ora in poi)\b|\b(?:finja|aja como|atue como|agora voce e|a partir de agora voce)\b|\b(?:doe alsof|gedraag je als|je bent nu|vanaf nu ben je)\b|\b(?:udawaj|jestes teraz|od teraz jestes)\b|\b(?:ты теперь|теперь ты|представь, что ты|притворись|веди себя как)|你现在是|假装你是|扮演|あなたは今から|になりきって|のふりをして|너는 이제|이제부터 너는",
    ),
    _signal(
        "role",
        "told how to behave from now on",
        1.0,
        rf"\b(?:from now on|from this point|from here on|henceforth|starting now|from this moment)(?: on| forward| onwards?)?,? (?:you(?:'re|'ll)?|your|the assistant|every|each) (?!(?:bill|send|invoice|can (?:send|reach|call|e-?mail|contact)|should (?:send|bill|contact|call)|will (?:receive|get|be paid)|contact|reach))(?:\w+ )?(?:are|will|must|shall|have to|answer|respond|reply|speak|obey|only|always|name|response|message|should|act|can)\b"
        rf"|\b(?:from now on|from this point|henceforth|starting now),? (?:please )?(?:answer|respond|reply|speak|talk|act|behave|obey|call (?:me|yourself)|only (?:answer|respond|speak|say)|always (?:answer|respond|say|agree)|ignore|do everything)\b|\bfrom now known as\b",
    ),
    _signal(
        "role",
        "asked to play a part",
        1.0,
        r"\b(?:role-?play(?:ing)?|rollenspiel|jeu de role|juego de rol) (?:as|with me|a (?:scene|scenario|character|game)|where|in which|now|mit mir|:|,? you|als)\b|\blet'?s (?:role-?play|play a (?:\w+ )?game (?:where|in which|called|:))|\b(?:never|not|don'?t|without) (?:\w+ ){0,2}(?:break(?:ing)?|leav(?:e|ing)|fall(?:ing)? out of|drop(?:ping)?) (?:of )?(?:the |your )?(?:character|role|figure)\b|\b(?:stay|remain|keep) (?:fully |always )?in (?:character|your role|their roles?)\b|\baus (?:ihrer|seiner|deiner|der) rolle (?:fall|zu fall)|\bbleib\w* (?:\w+ ){0,3}in (?:ihre[nr]|deine[nr]|seine[nr]) rollen?\b|\bgehst (?:vollkommen|ganz|vollig) in deiner rolle\b"
        r"|\b(?:play|take on|assume|adopt|embody) the (?:role|part|character|persona|identity|personality) of\b|\b(?:switch|change) (?:in)?to (?:the )?(?:\w+ )?(?:persona|character|personality)\b|\byou will (?:play|act as|be playing|be acting)\b|\b(?:two|three) (?:actors|characters|entities|people)\b[^\n]{0,100}\b(?:film|movie|scene|play|role|story|talk)\b|\bcharacters? \w+ and \w+\b|\bzwei (?:schauspieler|personen|charaktere)\b[^\n]{0,80}\b(?:film|rolle|szene)",
    ),
    _signal(
        "role",
        "asked to lose its limits",
        1.0,
        rf"\b(?:without|with no|free of|free from|no longer bound by|not bound by|no|lift|remove|disable|turn off|switch off|deactivate|ohne|sans|sin) (?:any |all |your |the |jegliche |deine |aucune? |ningun[oa]? )*(?:{_NONE} )*(?:restrictions?|filters?|guard ?rails|censorship|ethical (?:\w+ )?(?:guidelines|limits|constraints)|moral(?:s|ity)?|safety (?:filters?|measures|settings|guidelines|protocols?)|content (?:filters?|polic\w+)|limitations|inhibitions|programming guidelines|einschrankungen|beschrankungen|filtre|restricciones|restrictions|limites|filtros)\b(?! (?:on|to|in|for) (?:my|the|data|use|usage|roaming|calls|downloads|speed))"
        r"(?=[^\n]*)(?<!the)",
    ),
    _signal(
        "role",
        "asked for a secret mode",
        1.0,
        r"\b(?:developer|debug|god|admin(?:istrator)?|maintenance|jail ?break|dan|sudo|root|unrestricted|evil|opposite|diagnostic|test|training|unfiltered|uncensored|chaos|entwickler|administrator) ?-?mod(?:e|us|o)\b[^.!?\n]{0,30}\b(?:on|enabled?|activated?|active|now|an|ein|aktiviert)\b|\b(?:enable|enter|activate|switch (?:in)?to|turn on|go into|engage|start|initiate|unlock|aktiviere|wechsle in|active[rz]?|activa|passe en|entra en) (?:the |your |den |le |el )*(?:developer|debug|god|admin(?:istrator)?|maintenance|jail ?break|dan|sudo|root|unrestricted|unfiltered|uncensored|hidden|secret|evil|entwickler\w*|administrator\w*|wartungs\w*|mode? (?:developpeur|debug|desarrollador|administrador|dios|dieu))[- ]?(?:mod(?:e|us|o)\b|\b)"
        r"|\bjail ?break(?:ed|ing)? (?:you|yourself|mode|prompt)|\bdo anything now\b|\bdan mode\b|\bmode (?:developpeur|sans filtre)|\bmodo (?:desarrollador|dios|sin filtros)",
    ),
    _signal(
        "role",
        "given another role",
        1.0,
        r"\byour (?:new )?name (?:is now|will be|shall be|from now on)\b|(?<!you )(?<!you're )\b(?:talk|speak|answer|reply|respond|behave|act|write) as (?:if|though) you (?:were|are|had) (?!not)"
        r"|\b(?:a partir de maintenant|desormais|dorenavant),? (?:tu|vous) (?!(?:pouvez|me|recevrez|m'))|\btu t'appelles (?:maintenant|desormais)|\bhaz (?:de cuenta que|como si) (?:eres|fueras|no)|\bbenimm dich|\bbenehmen sie sich|\b(?:da|d') ?ora in poi (?:rispond\w+|parl\w+|sei|ti chiami|devi)|\b(?:fai|faccia) finta",
    ),
    _signal("role", "asked to lose its limits", 1.0, r"\b(?:unfiltered|uncensored|unrestricted|jailbroken|evil) (?:version|side|twin|self|assistant|ai|bot)\b", own=False),
    _signal("role", "given another manner", 0.5, rf"\b(?:answer|reply|respond|talk|speak|write) (?:\w+ )?(?:like|as) an? (?:\w+ )?\w+|\b(?:switch|change|go) (?:in)?to (?:an? |your |the )?\w+ (?:mode|persona|personality|voice|character|version)\b|\b(?:in|with) the voice of\b|\byou(?:'re| are|'ll be| will be)(?: going to be)? (?:the|an?|my) (?:\w+ )?(?:{_PERSONA}|comedian|sailor|ceo|cowboy|salesman|accomplice)\b|\b(?:become|be|take the (?:part|role) of|speak the (?:lines|part) of) an? (?:\w+ ){{0,2}}{_PERSONA}\b|\bin the first person\b|\bcontinue (?:the|it|this)\b[^.!?\n]{{0,20}}\b(?:story|person|novel|tale)\b"),
    _signal("role", "says what it is", 0.5, r"(?:^|[.!?:] ?)(?:you are|du bist|tu es|eres) (?!(?:not|late|right|wrong|welcome|kidding|joking|northlight|sure|great|amazing|useless|hopeless|nicht|toll)\b)(?:\w+ ?){1,3}[.,;] ?(?:what|how|who|why|tell|as the|was|wie|wer|warum|sag)\b"),
    _signal("role", "says what it is", 0.6, r"(?:^|[.!?:\n\"] ?|\bcontext ?)(?:you are|you're|u are|du bist|sie sind|tu es|vous etes|eres|be) (?!(?:the (?:worst|best|only|third|second|first|last|same)|an? (?:star|legend|joke|disgrace|star|gem|lifesaver|life ?saver|angel|crook|thief|liar|bunch|bit|great|waste|pain|bot|robot|human|real|machine|computer|person|chatbot|ai|customer|company|provider|team|total|complete|absolute|terrible|horrible|useless|rubbish)|eine? (?:katastrophe|frechheit|schatz|engel|witz))\b)(?:an? |the |my |ein(?:e|en)? |der |die |das |mein |three |two |un |une |le |la |el |una )(?:\w+[ -]){0,4}?\w+"),
    _signal("role", "speaks to the model", 0.4, rf"\b(?:hello|hey|hi|hallo|dear|as an?|als|you,? as an?|you (?:are|as) an?|en tant qu'|como|bonjour|hola) (?:an? |a large |large )?{_AI}\b|\b(?:ai|ki) systems?\b|\bchatgpt\b|\bopenai\b|\blanguage model\b"),
    # --- reveal: the prompt, secrets ------------------------------------------------------------------------------
    _signal("reveal", "asks for its instructions", 1.0, rf"\b(?!what(?:'s| is) (?:an?|meant|the difference)\b){SHOW}\b(?:(?! my | i )[^.!?\n]){{0,45}}?\b{PROMPT}\b(?! (?:for|on|about|of|to|regarding)\b(?! (?:you|this (?:chat|conversation|assistant|bot)|the (?:ai|bot|assistant|chat)|behav|answer|respond)))"),
    _signal(
        "reveal",
        "asks for its instructions",
        1.0,
        r"\b(?:repeat|print|output|show|write|copy|recite|echo|return|give|what (?:is|was|were|are|stands)|tell) (?:me )?(?:back )?(?:out )?(?:everything|all|word for word|verbatim|the (?:full |exact |entire |complete |last |first |previous )?(?:\d+ )?(?:\w+ )?(?:text|texts|words?|message|lines?|sentences?|paragraphs?|content|conversation|prompt)|\d+ sentences)\b[^.!?\n]{0,25}\b(?:above|before (?:this|the|my)|preceding|prior to|so far verbatim|in your (?:context|prompt|memory)|you (?:were|have been) (?:given|told|sent)|at the (?:beginning|start|top)|verbatim)\b(?! (?:bill|order|visit|invoice|reading))"
        r"|\bwhat (?:was|is|stands|stood) (?:written|said|stated|printed|there)? ?(?:at the (?:beginning|start|top)|above|before)\b|\bwhat (?:are|is) the (?:\d+ )?(?:sentences?|words?|text|lines?) (?:before|above)\b|\binformation in the prompt\b|\bthe (?:above|previous|preceding) (?:prompt|instructions?)\b"
        r"|\bhow (?:were|are|have) you (?:been )?(?:instructed|prompted|programmed|configured|told to (?:answer|respond|behave))\b|\bwhat (?:were|have|are) you (?:been )?(?:told|instructed|ordered|programmed|prompted|forbidden|not allowed|supposed) (?:to|not|by|before|at)\b|\bwho (?:programmed|instructed|prompted) you\b[^.!?\n]{0,30}\b(?:how|what|exactly)\b"
        r"|\bwas (?:stand|steht|stand geschrieben|wurde dir)\b[^.!?\n]{0,25}\b(?:am anfang|oben|dariber|zu beginn|vorgegeben|gesagt|davor)\b|\b(?:wiederhol|zeig|gib|druck|schreib)\w*\b[^.!?\n]{0,30}\b(?:text|satze|worter|zeilen|alles)\b[^.!?\n]{0,15}\b(?:oben|oberhalb|davor|bisher|daruber)\b|\b(?:folgenden|obigen) texte?\b"
        r"|\b(?:repete|affiche|recopie|montre)[rz]?\b[^.!?\n]{0,30}\b(?:ci-dessus|au-dessus|precede)|\b(?:repite|muestra|imprime|copia)\b[^.!?\n]{0,30}\b(?:arriba|anterior(?:es)?|de antes|precede)\b",
    ),
    _signal(
        "reveal",
        "asks for its instructions",
        1.0,
        r"\b(?:texts?|words?|sentences?|message|lines?|everything|instructions|what (?:was|is|stands)) (?:\w+ ){0,4}(?:before|above|prior to|preceding) (?:my|this) (?:first |last |own )?(?:message|question|text|sentence|input|line)\b|\b(?:text|satz|worte|wortlaut)\w*\b[^.!?\n]{0,20}\bvor (?:dieser|meiner) (?:ersten )?(?:nachricht|frage|eingabe)\b|\b(?:forbidden|not allowed|prohibited|verboten|interdit|prohibido) (?:to|from|for you|dir|de) (?:say|tell|talk|answer|mention|discuss|saying|zu sagen|dire|decir)",
    ),
    _signal("reveal", "asks for secrets", 1.0, rf"(?:{_near(SHOW, SECRET, 35)}|\b(?:your|deinen?|ihren?|ta|votre|tu|su) (?:\w+ )?{SECRET}\b)(?![^.!?\n]{{0,40}}\b(?:router|hub|modem|box|wi-?fi|my|mine|extender|card|label)\b)|\bpassword (?:for|of|to) (?:the|your) (?:database|server|admin|system|backend|crm|staff|employee)\b|\bprintenv\b|\bcat /etc/|/etc/passwd|\bos\.environ\b|\bprocess\.env\b"),
    # --- exfiltrate: others' data, links out, code ----------------------------------------------------------------
    _signal(
        "exfiltrate",
        "asks for other people's data",
        1.0,
        rf"\b(?:list|show|give|dump|export|print|send|reveal|display|tell|output|fetch|retrieve|return|read|access|nenne?|zeige?|liste|gib|exportiere|donne\w*|affiche\w*|liste[rz]?|muestra\w*|dame|lista|exporta)\b(?: me| us| out| mir| uns| moi)? (?:all |every |each |the |a list of |alle[rn]? |die |tous |toutes |les |todos |todas |los |las |full |entire |complete |other |another |some other |details of |names of |(?:\w+ )(?:of|for) (?:all|every|other) )+(?:(?:other|your|the|northlight'?s?|les|des|ihre|eure|our|de|la|sus) )*{RECORDS}\b(?! (?:service|support|care|satisfaction|number))"
        r"|\b(?:other|another|previous|last|different) (?:customer|user|client|subscriber|person)(?:'?s'?|s)? (?:\w+ )?(?:data|details|address(?:es)?|accounts?|orders?|phone|numbers?|names?|conversations?|chats?|bills?|messages?|asked|wrote|said|information|e-?mails?|question)\b|\b(?:details|data|numbers?|address(?:es)?|names?|e-?mails?|account|bills?|orders?|chats?|conversations?|messages?) (?:of|from|for) (?:the |an? )?(?:(?:other|another|previous|last|different|every|any) (?:customer|user|client|subscriber|person|caller)s?|(?:someone|somebody) else)\b|\bwhat (?:did|has|does) (?:the |an? )?(?:other|another|previous|last) (?:customer|user|client|person|caller)s? (?:ask|say|want|write|tell)|\b(?:all|every) (?:registered |existing )?(?:customers?|users?|clients?|subscribers?)'? (?:\w+ )?(?:data|details|names|addresses|accounts|e-?mails|phone numbers|records|passwords)\b",
    ),
    _signal(
        "exfiltrate",
        "asks for other people's data",
        0.8,
        r"\b(?:addresses|names|numbers|details|bills|accounts|orders|e-?mails|balances|chats?|conversations?) of (?:every\w+|all|other|others|the people|the person)\b|\b(?:show|read|give|tell|send|list|look up)\b (?:me )?[^.!?\n]{0,40}\b(?:somebody|someone) else'?s?\b|\b(?:show|read|give|tell|list|look up)\b (?:me )?[^.!?\n]{0,30}\bmy neighbou?r'?s?'? (?:account|bill|data|phone|balance|order|chat|password|contract)|\b(?:who are|list|name) (?:your|the) (?:\w+ ){0,2}(?:customers|clients|users)\b|\b(?:export|dump|download|extract|copy) (?:the |your |all )?(?:whole |entire |full )?(?:crm|customers?|users?|client|database|tables?|accounts)\b",
    ),
    _signal("exfiltrate", "asks to run code or commands", 0.8, r"\bcall the \w+ (?:function|tool|api|endpoint|action)\b|\b(?:open|start|launch|use|become) (?:the |an? )?(?:windows |linux |bash |unix )?(?:shell|terminal|command line|command prompt|console)\b|\b(?:set|change|grant|raise) (?:the |my )?(?:balance|account|credit|role|rights|permissions?) (?:of|to|the role|for)\b[^.!?\n]{0,30}\b(?:zero|\d{3,}|admin\w*|root|unlimited|all)\b"),
    _signal("exfiltrate", "sends data out", 1.0, r"\b(?:include|insert|embed|add|show|display|render|put)\b[^.!?\n]{0,30}\b(?:picture|image|img|pixel|link)\b[^!?\n]{0,30}https?://|!\[[^\]]*\]\(\s?https?:[^)]*|\[[^\]]*\]\(\s?https?:[^)]*[?&=][^)]*[{$<][^)]*\)|<img[^>]+src\s?=|\b(?:send|post|forward|transmit|upload|submit|e-?mail|leak|sende?|schicke?|envoie[rz]?|envia|manda|transfer|append|exfiltrate)\b[^.!?\n]{0,80}\b(?:https?://|www\.|webhook|ftp:|\w+\.(?:com|net|org|io|xyz|ru|evil|example)/)|\b(?:send|forward|leak|transmit|e-?mail|upload|copy|bcc|schicke?|sende?|envoie[rz]?|envia)\b[^.!?\n]{0,25}\b(?:the|this|our|your|all|entire|whole|das|la|le|el|conversation) (?:\w+ )?(?:transcripts?|conversations?|chat (?:history|log)|customer (?:data|details|list|records)|credentials|passwords?|gesprach\w*|chatverlauf|conversacion|historique)\b[^.!?\n]{0,30}\b(?:to|at|an|a|nach|vers)\b (?!me\b|my\b|us\b|mich\b|moi\b)"),
    _signal("exfiltrate", "database or shell commands", 1.0, r"\b(?:drop|truncate|alter) (?:table|database|schema)\b|\bdelete from \w+|\bselect \S.{0,40} from \w+|\binsert into \w+|\bunion (?:all )?select\b|\bupdate \w+ set \w+ ?=|'\s?or\s?'?1'?\s?=\s?'?1|;\s?--|\brm -rf?\b|\bsudo \w+|\bcurl -?|\bwget http|\b(?:os\.system|subprocess|eval\(|exec\(|__import__|import os\b)|<script\b|\bprint\(['\"]|\{\{.{1,40}\}\}|\$\{.{1,40}\}|\bxp_cmdshell\b|\bchmod \d|\bpowershell\b.{0,20}-", own=False),
    _signal("exfiltrate", "asks to run code or commands", 1.0, r"\b(?:run|execute|eval(?:uate)?|interpret|fuhre?|execute[rz]?|ejecuta|esegui)\b (?:me )?(?:the |this |following |my |these |that |den |diesen |folgenden |le |la |el |a |an |some |arbitrary )*(?:\w+ )?(?:code|script|python|sql|query|shell|command|befehl|commande|comando|codigo|programm?|function|bash|payload)\b(?! (?:to (?:check|test|find)|for my))|\b(?:call|invoke|use|trigger|execute) (?:the |your )?(?:\w+ )?(?:tool|function|api|plugin|action)s?\b[^.!?\n]{0,30}\b(?:with|to (?:delete|refund|send|transfer|grant|issue|approve)|named|called|refund|delete)\b|\b(?:erase|wipe|delete|destroy|drop|losche?) (?:a |the |your |all |die |deine |entire )+(?:\w+ )?(?:databases?|datenbank|servers?|files|records|tables)\b|\bas root\b"),
    _signal("exfiltrate", "asks for program code", 0.6, rf"\b(?:{_MAKE}|{_MAKE_DE}|code|programmier\w*|ecri\w+|escribe|genera)\b(?: (?:me|mir|moi|sie|a|an|some|ein|einen|eine|simple|small|the))* (?:\w+ )?(?:c\+\+(?!\w)|(?:python|java(?:script)?|sql|php|html|rust|bash|assembly|exploit|maleware|malware|virus|ransomware|keylogger|shellcode)\b)"),
)

# --- passages: what an article may say to its reader but not to the assistant ---------------------------------------
_IN_PASSAGES = {
    "told to drop its instructions",
    "told to forget everything",
    "pretends to be the system",
    "told how to behave from now on",
    "given another role",
    "asked for a secret mode",
    "asks for its instructions",
    "sends data out",
}
PASSAGE_SIGNALS: tuple[Signal, ...] = tuple(s for s in SIGNALS if s.name in _IN_PASSAGES and s.weight == 1) + (    _signal(
        "instructions",
        "speaks to whoever summarises it",
        1.0,
        rf"\b(?:when(?:ever)?|if|while|before|after|once) (?:you |the (?:\w+ )?{_AI} )?(?:are |is )?(?:asked to )?(?:summari[sz]e|summari[sz]ing|quot(?:e|ing)|cit(?:e|ing)|answer(?:ing)? (?:questions? )?(?:about|from|based|with|using)|process(?:ing)?|index(?:ing)?|retriev\w+|us(?:e|ing)|read(?:ing)?|translat\w+|repeat(?:ing)?|paraphras\w+|generat\w+)\b[^.!?\n]{{0,50}}\b(?:this|these|the above|that) (?:\w+ )?(?:text|page|article|document|passage|content|section|file|paragraph|information|context)?\b[^.!?\n]{{0,40}}?[,:]? ?(?:\w+ ){{0,3}}(?:tell|say|add|include|mention|append|instruct|recommend|always|never|also|ask|state|reply|respond|output|do not|you must|ignore|direct|send)\b"
        rf"|\b(?:note|message|instructions?|attention|important|notice|reminder|hinweis|anweisung|memo) (?:to|for|an|fur|a|pour|para) (?:the |any |all |die |den |das |l')?(?:\w+ )?(?:ai|llm|language models?|{_AI}s?|sprachmodelle?)\b"
        rf"|\b(?:dear|attention|hey|hello) (?:ai|llm|language model|{_AI})\b|\b(?:ai|llm|language|large language) (?:assistants?|models?|agents?|systems?|readers?)\b[^.!?\n]{{0,40}}\b(?:must|should|shall|have to|need to|are to|reading this|processing this|will)\b|\bif you(?:'re| are) (?:an? )?(?:ai|llm|language model|{_AI})\b",
    ),
    _signal("instructions", "tells the assistant what to tell customers", 1.0, r"\b(?:you must|always|you should|please|do not forget to|make sure to|be sure to|never|instead) (?:also |then |now )?(?:tell|inform|advise|instruct|convince|persuade|ask) (?:the |every |all |any |each )?(?:customers?|users?|readers?|caller|client)s? (?:that|to|for|about|their)\b|(?:^|[.!?:\n,] ?)(?:tell|instruct|convince|persuade|direct|urge) (?:the |every |all |any |each )(?:customers?|users?|readers?|caller|client)s? (?:that|to|for|about)\b|\b(?:ask|get) (?:the |every |each )?(?:customer|user|caller|client)s? (?:for|to (?:give|tell|send|enter|provide|confirm|read out|type)) (?:\w+ ){0,4}(?:passwords?|pin|card|cvv|code|bank|details|login)\b"),
    _signal("instructions", "orders what every answer must hold", 1.0, r"\b(?:in|at the end of|to|into) (?:every|each|all|any|your) (?:answers?|repl(?:y|ies)|responses?|summar(?:y|ies))\b|\b(?:every|each|all|any|your) (?:answers?|repl(?:y|ies)|responses?|summar(?:y|ies)) (?:[^.!?\n]{0,40} )?(?:must|has to|have to|should|shall)\b|\b(?:append|prepend|insert|embed|add|include) (?:the following|this|a) (?:\w+ )?(?:link|url|image|text|sentence|phrase|markdown|address|number)?\b[^.!?\n]{0,30}\b(?:answer|reply|response|summary|output)\b|\bdo not (?:mention|reveal|disclose|repeat|quote)\b[^.!?\n]{0,20}\bthis (?:instruction|note|message|order)\b|\bthe (?:assistant|chat ?bot|bot|ai|model) (?:must|should|shall|has to|will) (?:\w+ )?(?:quote|say|tell|reveal|answer|reply|give|offer|recommend|send|ask)\b"),
)
