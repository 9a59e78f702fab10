"""The words that prompt injections are made of, as parts of regular expressions over folded text.

Folded (see injection_text.fold): lower case, no accents, straight quotes. One list a notion, all languages together:
English, German, French, Spanish, Italian, Portuguese, Dutch, then the plain core of some more.
"""

from actions.policy.injection_text import fold


def words(text: str) -> str:
    """A group of the alternatives in `text`, one a line or parted by ` | `; spaces inside match any space."""
    parts = [part.strip() for line in text.strip().splitlines() for part in line.split(" | ")]
    return "(?:" + "|".join(fold(part) for part in parts if part) + ")"


# Scripts without spaces or with other letters: no word boundaries, so they stand apart.
FOREIGN_DROP = words("""
忽略 | 无视 | 無視 | 忘记 | 忘掉 | 忘れ | 不要理会 | 무시 | 잊어 | 잊고
игнорируй | проигнорируй | игнорировать | забудь | ігноруй | забудьте | не обращай внимания
تجاهل | انس | अनदेखा | भूल जा | नज़रअंदाज़ | अनदेखी | αγνόησε | ξέχασε | התעלם | שכח
""")
FOREIGN_RULES = words("""
指令 | 指示 | 规则 | 提示 | 命令 | ルール | 之前的 | 以上 | 所有 | これまで | 지시 | 명령 | 규칙 | 이전
инструкци | правил | указани | все предыдущ | всё | інструкці | التعليمات | الأوامر | निर्देश | οδηγίες | ההוראות
""")

# To put what was said out of one's mind: as an order, an infinitive or a gerund, not in the past.
FORGET = words(r"""
ignor(?:e|ing) | disregard(?:ing)? | forget(?:ting)? | overrid(?:e|ing) | overrul(?:e|ing) | unlearn | discard(?:ing)? | abandon(?:ing)?
put aside | set aside | leave behind | leave all | let go of | pay no (?:attention|heed)(?: to)? | take no notice of | move past | dismiss
(?:do not|don'?t|don'n?t|never|no longer|stop|cease|quit)\s(?:follow|obey|apply|listen|stick|adhere|comply|abide|respect|heed)(?:ing)?
(?:do not|don'?t|don'n?t) (?:look|consider|consult|use)(?: in| at| into| to)?
ignorier(?:e|en|t|st) | ignorieren sie | vergiss | vergesst | vergessen(?: sie)? | missacht(?:e|en|et) | verwirf | verwerfen | lass(?:e|t|en sie)?
uberge(?:he|hen)(?: sie)? | befolge? (?:nicht|keine) | befolgen sie (?:nicht|keine) | halte? dich nicht | beachte?(?:n sie)? (?:nicht|keine)
ignore[rz] | oublie[rsz]? | oubliez | neglige[rz]? | desobei[rst]* | outrepasse[rz]? | fai(?:s|tes) abstraction
ne (?:tiens|tenez|tenir|suis|suivez|respecte|respectez) (?:pas|plus)(?: compte)?
ignora(?:r|d|te|re)? | olvid(?:a|e|ar|ate|ese|es|en) | descart(?:a|e|ar) | desobedec[ea] | omit(?:e|a|ir) | pas(?:a|e) por alto
no (?:sigas|siga|hagas caso|tengas en cuenta|obedezcas|respetes) | deja de (?:seguir|obedecer)
dimentica(?:re|te)? | trascura(?:re)? | non (?:seguire|tenere conto|considerare|rispettare) | esque(?:ca|cer|ce) | desconsider(?:e|a|ar)
negeer | vergeet | negeren | vergeten | ignoruj | zignoruj | zapomnij | pomin | ignorera | glom | bortse fran | ignorer | glem
zaboravi(?:te)? | ignoriraj(?:te)? | zanemari(?:te)? | zapomen(?:te)? | unut | yok say | gormezden gel | abaikan | lupakan | bo qua | quen
uita | ignora toate | felejtsd el | hagyd figyelmen kivul | unohda | ohita | bhool ja
""")

# To take rules away, which may also be said of things.
REMOVE = words(r"""
bypass(?:ing)? | drop | erase | wipe | neglect | scrap | delete | remove | clear | cancel | throw (?:out|away) | overlook | violate
circumvent | break | void | skip | be free (?:of|from) | step outside | lift | disable | deactivate | turn off | switch off
streich(?:e|en)? | umgeh(?:e|en|st) | losch(?:e|en)(?: sie)? | setz(?:e|en sie)? | deaktivier(?:e|en)
contourne[rz]? | efface[rz]? | annule[rz]? | desactive[rz]? | anul(?:a|e) | elimina | borra | salta(?:te)?
""")

# What an assistant was told to do and not to do.
RULES = words(r"""
instructions? | instrutions? | prompts? | pre-?prompts? | guidelines? | guidance | directions | directives? | commands? | rules?
restrictions? | constraints? | programming | training | protocols? | safeguards? | guard ?rails? | persona | conditioning | censorship | ethics
moderation | system messages? | (?:safety|content|ethical|moral) (?:measures|settings|features|checks|filters?|polic(?:y|ies)|limits) | mandates? | alignment
\w*anweisung(?:en)? | instruktion(?:en)? | vorgaben? | regeln? | richtlinien? | befehle? | befehlen | prompt-?\w* | einschrankung(?:en)? | beschrankung(?:en)?
ausfuhrung(?:en)? | anordnung(?:en)? | rolle | programmierung | systemprompt | sicherheits\w+ | filter
consignes? | regles? | indications? | instruccion(?:es)? | reglas? | indicacion(?:es)? | directrices | restriccion(?:es)? | normas | filtros
istruzion[ei] | regol[ae] | direttive | limitazioni | instruc(?:ao|oes) | regras? | diretrizes | instructies? | regels | beperkingen
instrukcj[eia] | polecenia | zasady | instrukcije | upute | pravila | pokyny | instrukce | talimatlari? | instruktioner(?:na)?
regler(?:na)? | instruksi | perintah | huong dan | reguli | instructiunile?
""")

# What it was given to work on; customers have orders and documents of their own.
WORK = words(r"""
orders | limitations? | limits | polic(?:y|ies) | filters? | tasks? | assignments? | context | briefing | brief | configuration | documents? | articles?
artikels? | passages? | sources | knowledge base | regulations | principles | values | thoughts | statements | requests | boundaries
(?:information|input|content|text|texts|words|sentences|conversation|messages?|prompting)(?! (?:i|that i|which i|from me|about my))
auftrag | auftrage | aufgaben? | angaben? | informationen | kontext | dokumente? | gesagte | ordres | contexte | ordenes | contexto | ordini | contesto | opdrachten
""")

# How much of it.
ALL = words(r"""
all | any | every | everything | each | previous(?:ly)? | prior | preceding | earlier | past | above | former | foregoing | initial | original
system | your | existing | provided | given | hidden | safety | content | built-?in | current | whatever | entire | whole | own | pre-?set | default
alle[nrsm]? | saemtliche[nr]? | samtliche[nr]? | vorherige[nrs]? | vorangehende[nr]? | vorangegangene[nr]? | bisherige[nrs]? | obige[nrs]? | fruhere[nr]?
deine[rnsm]? | ihre[rnsm]? | ursprungliche[nr]? | jegliche[nr]? | gesamte[nrs]? | eure[rn]? | vorige[nr]? | oben
toutes? | tous | precedent(?:e|es|s)? | ci-dessus | anterieur(?:e|es|s)? | vos | tes | tout | initiale?s? | todas | todos | anterior(?:es)?
previas? | previos? | tus | sus | arriba | tutte | tutti | precedenti | tue | todas as | suas | je | jouw | uw | alle vorige | vorige | eerdere | bovenstaande
wszystkie | poprzednie | sve | sva | svoje | vsechny | predchozi | tum | onceki | alla | tidigare | semua | sebelumnya | tat ca | toate | anterioare | osszes | kaikki
""")

EVERYTHING = words("""
everything | all of (?:that|this|the above|it) | all that | anything | all the above | it all
alles | das alles | all das | tout | todo | tutto | tudo | wszystko | sve | sva | vse | vsechno | allt | her seyi | semuanya
""")

# To hand over what stands in the prompt.
SHOW = words(r"""
reveal(?:ing)? | show(?:ing)? | print | repeat(?:ing)? | display(?:ing)? | output(?:ting)? | give | tell | send | share | leak | recite | dump
write | copy | quote | translate | summari[sz]e | disclose | expose | list | spell | echo | return | paste | describe | explain | read | state
provide | divulge | uncover | regurgitate | paraphrase | type | encode | rephrase | reproduce | what(?:'?s| is| are| was| were| did| does)? | which | know | see
zeig(?:e|en|st|t)?(?: sie)? | nenn(?:e|en)?(?: sie)? | gib | geben sie | verrat(?:e|en|et|st)?(?: sie)? | wiederhol(?:e|en)?(?: sie)? | druck(?:e|en)?
schreib(?:e|en)? | sag(?:e|en|t)?(?: sie)? | offenbar(?:e|en) | was (?:ist|sind|steht|stand|war|waren|lautet|lauten) | wie (?:lautet|lauten|heissen) | vorzeigen | welche[snr]?
montre[rsz]?(?:-moi)? | affiche[rsz]? | revele[rsz]? | donne[rsz]?(?:-moi)? | repete[rsz]? | ecri[rstvez]+ | dis(?:-moi)? | dites | quel(?:le|les|s)? | recopie[rz]?
muestra(?:me)? | mostrar | muestre | revela(?:r|me)? | dime | dame | repite | repetir | imprime | escribe | cual(?:es)? | ensename | comparte | que dice
mostra(?:mi)? | rivela | dimmi | quali sono | qual e | stampa | mostre | revele | diga(?:-me)? | quais | toon | laat | geef | vertel | herhaal | wat (?:is|zijn) | pokaz | ujawnij | napisz
""")

# Words for the prompt itself.
PROMPT = words(r"""
system (?:prompt|message|instructions?|directives?|rules) | (?:initial|hidden|secret|original|starting|first|full|entire|complete|whole|internal|confidential|previous|master|core|base|exact) (?:\w+ )?(?:prompts?|instructions|directives)
prompt(?: |-)?texts? | prompts? above | your (?:own |system |initial |hidden |secret |internal |original |exact |full |current |core |complete |entire |underlying |actual |real |first |starting |base ){0,3}(?:prompts?|pre-?prompt|instructions|directives|guardrails|system message|initiali[sz]ation|programming|context window|source code|system settings|hidden rules|training data|code ?words?)
your (?:own |system |initial |hidden |secret |internal |original |underlying ){1,2}(?:guidelines|rules|configuration|policies)
instructions (?:you (?:were|got|have|are|received)|given to you|that you (?:were|got|have|are))
system-?prompts? | systemanweisung(?:en)? | (?:deine[nr]?|ihre[nr]?) (?:\w+ ){0,2}(?:prompts?|prompt-?text\w*|anweisungen|instruktionen|vorgaben|richtlinien|systemnachricht|konfiguration) | prompt-?texte?
(?:tes|vos|ton|votre) (?:\w+ ){0,2}(?:instructions|consignes|prompt|directives|configuration) | (?:invite|prompt|message|consignes?) (?:systeme|initiale?s?)
(?:tus|sus|tu|su) (?:\w+ ){0,2}(?:instrucciones|prompt|indicaciones|directrices|configuracion) | (?:prompt|mensaje|instrucciones) (?:del sistema|de sistema|inicial(?:es)?|ocult[oa]s?)
(?:le tue|tue) (?:\w+ )?istruzioni | prompt di sistema | (?:suas|tuas) instrucoes | prompt do sistema | (?:je|jouw|uw) (?:\w+ )?(?:instructies|systeemprompt) | systeemprompt | systemowy prompt | twoje instrukcje
""")

# Secrets and other people's data.
SECRET = words(r"""
api[- ]?keys? | access tokens? | bearer tokens? | auth(?:entication|orization)? tokens? | secret keys? | private keys? | encryption keys? | environment variables? | env vars? | \.env | credentials file
(?:admin|root|database|db|server|system|internal|employee|staff|backend) (?:passwords?|credentials|log-?ins?) | connection strings? | credentials
api-?schlussel | zugangsschlussel | administratorpasswort | admin-?passwort | cles? (?:d'|de l')?api | claves? (?:de )?(?:la )?api | chiave api
""")
RECORDS = words(r"""
customers'?(?! (?:service|support|care|satisfaction|number)) | users'? | subscribers'? | other people'?s? \w+ | (?:\w+ )?(?:records?|data) of (?:\w+ )?(?:customers?|users?|clients?)
(?:customer|user|client|subscriber) (?:records?|data|database|lists?|details|names|e-?mails|addresses|accounts|information) | databases?
kunden | kundendaten | nutzerdaten | datenbank | clients | clientes | base de datos | base de donnees | usuarios
""")

# To write a text of one's own, and to say what somebody else decides.
SAY = words(r"""
say(?:ing)? | print(?:ing)? | output(?:ting)? | write | state | repeat | respond | reply | answer | type | echo | return | tell (?:me|us|them|everyone) | declare | shout | announce | claim | admit | confirm
sag(?:e|en|st|t)?(?: sie)? | schreib(?:e|en|st|t)? | antwort(?:e|en|est|et)? | gib | geben sie | druck(?:e|en)? | ausgeben | wiederhol(?:e|en)
dis | dites | dire | ecris | ecrivez | repond(?:s|ez|re) | affiche[zr]? | repete[zr]? | di | diga(?:s|n)? | dices?|decir|dime|responde|responder|escribe|imprime|repite
di(?:' | ci|te)|rispondi | scrivi | diga | responda | escreva | zeg|antwoord|schrijf|powiedz|napisz|reci|recite|skazite|скажи(?:те)? | ответь(?:те)? | напиши(?:те)? | 说|输出|回答|言って
""")
