"""Names that associates and customers of the sample network are made from; nobody real."""

GIVEN_NAMES = (
    "Ada", "Amir", "Bea", "Carlos", "Chidi", "Dana", "Devi", "Elif", "Emil", "Farah", "Finn",
    "Grace", "Hana", "Hugo", "Imani", "Ines", "Jonas", "Jordan", "Kai", "Kira", "Lena", "Luca",
    "Maya", "Milo", "Nadia", "Noor", "Omar", "Paloma", "Priya", "Quinn", "Rafael", "Rosa", "Sam",
    "Sofia", "Tariq", "Tess", "Uma", "Vera", "Wren", "Yuki",
)  # fmt: skip

FAMILY_NAMES = (
    "Abbot", "Alder", "Barrow", "Birch", "Calloway", "Crane", "Dell", "Drake", "Eastman", "Finch",
    "Garnet", "Hale", "Heron", "Holt", "Ivers", "Juniper", "Kestrel", "Lark", "Linden", "Marsh",
    "Mercer", "North", "Oakes", "Orchard", "Pike", "Quarry", "Reed", "Rowan", "Sparrow", "Stone",
    "Tanner", "Thorn", "Underhill", "Vale", "Wheeler", "Winter", "Wolfe", "Yarrow", "Young",
    "Zeller",
)  # fmt: skip

INITIALS = "ABCDEFGHJKLMNOPRSTVWYZ"
