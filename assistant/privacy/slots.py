"""Which slots and entities of domain.yml hold what: the one table to extend with a new slot."""

# Slots whose whole value is personal, and its kind.
PERSONAL = {
    "account_number": "account",
    "callback_phone": "phone",
    "delivery_postcode": "postcode",
    "delivery_street": "address",
    "delivery_town": "address",
    "new_address": "address",
    "new_email": "email",
    "new_phone": "phone",
    "new_postcode": "postcode",
    "new_town": "address",
    "outage_postcode": "postcode",
    "postcode": "postcode",
}

# Slots with a one-time code: nothing is kept. The question for such a slot is answered with a code.
SECRET = ("code",)

# Slots with the customer's own words, or with values from other slots: searched as a message is.
SEARCHED = (
    "code_delivery",
    "complaint",
    "dispute_opening",
    "feedback_comment",
    "handoff",
    "message_text",
    "paused",
    "visit_hint",
    "visit_wish",
)

# Slots with references, choices, days and flags, searched too; they are named here so that no new slot is forgotten.
IMPERSONAL = (
    "bill",
    "book_instead",
    "callback_time",
    "cancel_reference",
    "change",
    "code_channel",
    "confirm_reference",
    "confirmed",
    "contact_field",
    "contact_next",
    "delivery_change",
    "delivery_day",
    "dispute_reason",
    "disputed_bill",
    "disputed_line",
    "ended",
    "feedback_asked",
    "first_payment_day",
    "instalments",
    "last_invoice",
    "last_order",
    "move_reference",
    "move_slot",
    "new_marketing",
    "offer",
    "order_number",
    "order_search",
    "owner",
    "payment_amount",
    "payment_day",
    "payment_method",
    "rating",
    "return_reason",
    "served",
    "tries",
    "triage",
    "triage_answer",
    "undo_field",
    "undo_id",
    "visit_again",
    "visit_fee",
    "visit_offer",
    "visit_reason",
    "visit_slot",
)

ENTITIES = {
    "account_number": "account",
    "email": "email",
    "phone_number": "phone",
    "postcode": "postcode",
    "PERSON": "name",
}
