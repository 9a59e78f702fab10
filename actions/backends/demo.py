"""The demo's invented people, orders, invoices and visits; all days count from the day of seeding.

Addresses are invented, e-mail addresses are example.com's, and the phone numbers are Ofcom's reserved ones.
"""

# account, name, postcode, address lines, town, e-mail, phone, marketing
CUSTOMERS = [
    ("NA204518", "Priya Sharma", "LS1 4AP", "14 Mill Lane", "Leeds", "priya@example.com", "07700 900123", True),
    (
        "NA310077",
        "Tom Okafor",
        "M3 2BW",
        "Flat 3\n8 Quay Street",
        "Manchester",
        "tom@example.com",
        "07700 900456",
        False,
    ),
    ("NA118260", "Megan Price", "CF10 1EP", "27 Castle Row", "Cardiff", "megan@example.com", "07700 900218", True),
    (
        "NA559031",
        "Callum Fraser",
        "EH3 9DR",
        "5 Thistle Court",
        "Edinburgh",
        "callum@example.com",
        "07700 900334",
        False,
    ),
    ("NA640912", "Aisha Rahman", "B4 7DA", "61 Canal Walk", "Birmingham", "aisha@example.com", "07700 900571", True),
    (
        "NA775384",
        "Daniel Whitfield",
        "BS1 5TR",
        "2 Harbour View",
        "Bristol",
        "daniel@example.com",
        "07700 900682",
        False,
    ),
    ("NA802547", "Orla Devlin", "BT1 5GS", "19 Linen Street", "Belfast", "orla@example.com", "07700 900745", False),
    (
        "NA936105",
        "Grace Lambert",
        "NE1 7RU",
        "40 Bridge Road",
        "Newcastle upon Tyne",
        "grace@example.com",
        "0191 498 0123",
        False,
    ),
]

# account, order, item, category, price in pence, status, days since it was placed, days until it is expected,
# delivery address without the postcode (empty: the account's), its postcode
ORDERS = [
    ("NA204518", "NO482136", "Northlight Hub 3 router", "router", 0, "dispatched", 3, 2, "", "LS1 4AP"),
    ("NA204518", "NO300411", "Mesh Wi-Fi extender", "accessory", 5999, "delivered", 60, -56, "", "LS1 4AP"),
    ("NA310077", "NO771204", "Fibre 500 starter kit", "kit", 0, "packed", 2, 4, "", "M3 2BW"),
    ("NA118260", "NO518833", "SIM card, 20 GB plan", "sim", 0, "placed", 0, 3, "", "CF10 1EP"),
    ("NA118260", "NO640755", "Aurora 12 phone, 128 GB", "phone", 44900, "packed", 1, 2, "", "CF10 1EP"),
    ("NA118260", "NO715920", "Wireless earbuds", "accessory", 4999, "delivered", 9, -5, "", "CF10 1EP"),
    ("NA118260", "NO244790", "Northlight Hub 3 router", "router", 0, "cancelled", 12, -8, "", "CF10 1EP"),
    ("NA559031", "NO660172", "Aurora 12 phone, 128 GB", "phone", 44900, "dispatched", 6, -2, "", "EH3 9DR"),
    ("NA640912", "NO905518", "Fibre 150 starter kit", "kit", 0, "delivered", 20, -15, "", "B4 7DA"),
    ("NA640912", "NO127364", "Mesh Wi-Fi extender", "accessory", 5999, "dispatched", 1, 1, "", "B4 7DA"),
    ("NA775384", "NO839457", "Aurora 12 phone, 256 GB", "phone", 52900, "packed", 1, 3, "", "BS1 5TR"),
    (
        "NA775384",
        "NO471026",
        "Phone case",
        "accessory",
        1999,
        "dispatched",
        2,
        1,
        "9 College Green, Bristol",
        "BS8 1TH",
    ),
    ("NA802547", "NO356281", "SIM card, unlimited plan", "sim", 0, "delivered", 9, -6, "", "BT1 5GS"),
    ("NA936105", "NO993108", "Fibre 900 starter kit", "kit", 0, "placed", 0, 6, "", "NE1 7RU"),
]

# account: what every month's invoice holds (text, pence, kind)
MONTHLY = {
    "NA204518": [("Fibre 500", 3600, "plan")],
    "NA310077": [("Fibre 100", 2800, "plan"), ("SIM 10", 1000, "plan")],
    "NA118260": [("SIM 10", 1000, "plan"), ("Paper bill", 200, "addon")],
    "NA559031": [("Fibre 900", 4500, "plan"), ("Home Phone", 500, "addon")],
    "NA640912": [("SIM Unlimited", 2500, "plan"), ("Wi-Fi Plus", 600, "addon")],
    "NA775384": [("Fibre 900", 4500, "plan"), ("SIM 50", 1400, "plan")],
    "NA802547": [("SIM Unlimited", 2500, "plan")],
    "NA936105": [("Fibre 900", 4900, "plan")],
}

# account, months ago: what that invoice holds beside
EXTRAS = {
    ("NA204518", 0): [
        ("Wi-Fi Plus", 600, "addon"),
        ("Home Phone", 500, "addon"),
        ("Calls to mobiles", 150, "usage"),
        ("Credit for a late start", -600, "credit"),
    ],
    ("NA204518", 1): [("Wi-Fi Plus", 600, "addon"), ("Late payment fee", 750, "one_off")],
    ("NA204518", 2): [("Wi-Fi Plus", 600, "addon"), ("Technician visit changed late", 2500, "one_off")],
    ("NA204518", 3): [("Credit for 2 days without service", -1900, "credit")],
    ("NA559031", 0): [("Late payment fee", 750, "one_off"), ("Credit", -75, "credit")],
    ("NA559031", 1): [("Calls abroad", 340, "usage")],
    ("NA775384", 0): [("Extra 5 GB of mobile data", 600, "addon"), ("Credit", -80, "credit")],
}

# account, months billed, pence unpaid of the last invoice (below zero: credit), days from seeding to its due date
INVOICES = [
    ("NA204518", 4, 4250, 14),
    ("NA310077", 3, 0, 9),
    ("NA118260", 3, 1200, 5),
    ("NA559031", 3, 5675, -6),
    ("NA640912", 3, -1550, 12),
    ("NA775384", 2, 3210, 10),
    ("NA802547", 2, 0, 20),
    ("NA936105", 1, 4900, 21),
]

# account, position among the windows, reason
VISITS = [
    ("NA310077", 2, "New installation"),
    ("NA559031", 2, "No connection"),
    ("NA936105", 9, "New installation"),
]

# area, when it began on the day before (hour, minute), hour of the next day by which it should be repaired,
# what customers are told
OUTAGES = [
    ("CF10", (21, 0), 12, "Broadband is down for some homes in CF10. Our teams are working on it."),
    ("NE1", (22, 30), None, "Broadband is slow or drops in NE1. Our teams are looking for the cause."),
]
