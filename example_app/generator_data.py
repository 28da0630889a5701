"""The words that generated people, guilds and bounties are made of."""


def _words(text: str) -> list[str]:
    return text.split()


FIRST_NAMES = _words(
    "Ada Amara Anneke Arjun Aster Beatriz Benno Calla Cato Chidi Clara Dario Edda Elif Emre Esme "
    "Farid Fenna Gaia Gideon Hana Hugo Ida Imani Ines Ivo Jasper Juno Kaito Keira Lale Leif Lior "
    "Mads Maren Mateo Mei Nadia Nico Noor Odile Omar Otis Petra Priya Quinn Rafa Rosa Runa Sami "
    "Selma Soren Tariq Thea Tomas Uma Vera Viggo Wanda Xenia Yara Yusuf Zita"
)
LAST_NAMES = _words(
    "Abara Almeida Anders Aydin Baptiste Berg Castellan Chen Dahl Devi Duarte Eriksen Falk Ferro "
    "Galanis Grau Haddad Halloran Ito Ivers Jansen Kamau Keller Kovac Lange Laurent Lindholm Mbeki "
    "Mercer Moreno Nakamura Novak Oduya Olsen Park Petrov Quist Rahman Reyes Rossi Sato Silva "
    "Sommer Stark Tan Thorne Ueda Vance Varga Visser Weiss Winter Yilmaz Zeman"
)
TRADES = (
    "Ropemaker",
    "Keeps bees on the old wall",
    "Reads the tides",
    "Mends sails and tents",
    "Carries letters between the towns",
    "Glassblower",
    "Knows every path of the salt marsh",
    "Clockmaker",
    "Counts the ships",
    "Baker by day, lookout by night",
    "Binds books",
    "Draws wells and water rights",
)
GUILD_ADJECTIVES = _words(
    "Amber Ashen Bronze Cedar Copper Crimson Early Emerald Far Golden Granite Grey Harbour Hidden "
    "Hollow Ivory Lantern Marble Northern Open Quiet Restless Salt Silver Slate Southern Steady "
    "Tidal Upper Willow"
)
GUILD_TRADES = _words(
    "Archivists Beekeepers Binders Boatwrights Carters Charters Coopers Couriers Dyers Farriers "
    "Ferrymen Gardeners Glaziers Heralds Joiners Lookouts Masons Menders Millers Pilots Potters "
    "Rangers Scribes Smiths Surveyors Tanners Thatchers Tinkers Wardens Weavers"
)
PURPOSES = (
    "Work done by the week, paid by the day",
    "Old trades, taught to whoever asks",
    "Everything that has to be there by morning",
    "Repairs, from hinge to roof",
    "Where the road ends we go on",
    "Small jobs, done properly",
)
BOUNTY_WORK = (
    "Survey of",
    "New roof for",
    "Watch over",
    "Inventory of",
    "Repairs at",
    "Fresh paint for",
    "A path to",
    "Clearing of",
    "Lamp oil for",
    "Guide through",
)
BOUNTY_PLACES = (
    "the tide mill",
    "the upper lock",
    "the rope walk",
    "the fish market",
    "the west gate",
    "the orchard wall",
    "the ferry landing",
    "the bell tower",
    "the old granary",
    "the quarry road",
    "the glass house",
    "the customs shed",
    "the signal hill",
    "the long bridge",
)
BRIEFS = (
    "As soon as the weather allows. Tools are there, hands are not.",
    "Two or three people, a few days. A short report at the end.",
    "Bring your own rope. The keys are with the harbour office.",
    "Should be done before the fair. Ask on the spot for the details.",
)
LINES = (
    "Done on my side, who takes the next one?",
    "I can be there tomorrow before noon.",
    "Has anybody seen the long ladder?",
    "The ferry was late again, so we began without you.",
    "That is settled then. Thank you!",
    "Rain until evening, I would wait.",
    "Two crowns for the cart, all in all.",
    "I will bring it up when we meet.",
    "Looks good to me.",
    "Could somebody check my numbers?",
    "They paid this morning.",
    "Let us take that one, it is close by.",
)
BURST_LINE = "Best prices for crowns, write to me today!"
DISPUTES = (
    "Paid late, says the guild",
    "Half of it is missing",
    "Not what the brief said",
    "Who broke the winch",
    "A week over the date",
)
ARGUMENTS = (
    "We agreed on something else, and it is in the brief.",
    "The brief leaves that open. I have the sketches here.",
)
