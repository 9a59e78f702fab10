"""Words that a true paraphrase may put for each other: "fee" and "charge", "begin" and "start".

A line is a family; a word may belong to several. Only words that a customer would take for the same in a contact
centre stand together: no figures, no opposites, nothing that changes who does something.
"""

from collections.abc import Set as AbstractSet

from actions.knowledge.words import STEMMER

_FAMILIES = """
fee charge cost price pay
cost price
charge bill
pay payment paid settle spend
unpaid overdue outstanding owed owing
late overdue
begin start commence
end finish stop terminate cease close
cancel end terminate
restrict limit
send post dispatch ship mail
send give
arrive come deliver delivery reach receive
receive get
email mail
wifi fi wireless
phone telephone ring call
technician engineer
visit appointment
contact call ring reach message
tell inform notify let advise say
announce notify
need require must necessary
refund reimburse repay back
return send back
buy purchase order
add include
include contain cover comprise
extra additional further more
keep retain store hold
delete remove erase
change alter amend modify switch
move switch transfer
switch swap
choose pick select
use usage
help support assist
fix repair mend
fault problem issue trouble
broken faulty damaged defective
replace replacement swap exchange
restart reboot
connect connection join
reconnect reconnection
install installation set
rise increase raise
reduce lower cut decrease
fast quick speed
slow slowly
allow permit
agree accept consent
refuse reject decline
open available
available offer
offer provide give
show display see view
find locate
check verify confirm
proof evidence
letter post
due deadline
date day
month monthly
year yearly annual annually
week weekly
day daily
statement bill invoice
amount sum total balance
credit compensation
least minimum
most maximum
person people someone somebody adult
someone somebody anyone anybody
package parcel
courier driver
home house property address premises
leave quit
stay remain keep
try attempt
happen occur
apply claim
apply valid
complaint complain
decide decision
number digit
code pin
notice warn warning
password passcode key
plan package tariff deal
contract agreement
last long take duration
take need
abroad overseas
big large
under below less
over above more
straight immediately instantly
immediately instantly once
soon quickly
automatic automatically
normal usual normally usually
lose lost
theft steal stolen
device equipment
light lamp led
signal reception
cover covered coverage
online internet web
website site online
"""


def _related() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in _FAMILIES.strip().splitlines():
        family = set(STEMMER.stemWords(line.replace("-", " ").split()))
        for word in family:
            found.setdefault(word, set()).update(family - {word})
    return {word: frozenset(others) for word, others in found.items()}


RELATED = _related()


def covered(stem: str, told: AbstractSet[str]) -> bool:
    """Whether `told` holds a stem or one that a paraphrase may put for it."""
    return stem in told or not RELATED.get(stem, frozenset()).isdisjoint(told)
