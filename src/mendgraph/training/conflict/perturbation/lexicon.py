"""Words that may stand for each other, and words that exclude each other."""

from __future__ import annotations

from typing import Final

__all__ = ["ADJECTIVES", "ALIASES", "COUNTRIES", "KINDS", "MONTHS", "OPPOSITES", "SAME"]


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _groups(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(_listed(line) for line in text.strip().splitlines())


SAME: Final = _groups(
    """
    film, movie
    located, situated
    began, started
    begins, starts
    well known, famous
    purchased, bought
    constructed, built
    received, got
    released, brought out
    author, writer
    attorney, lawyer
    physician, doctor
    currently, now
    primarily, mainly, mostly
    approximately, about, roughly
    town, small town
    nation, country
    entire, whole
    various, several, a number of
    frequently, often
    however, though
    important, significant
    television, TV
    soccer, association football
    automobile, car
    assisted, helped
    attempted, tried
    ended, finished
    near, close to
    annually, every year
    initially, at first
    later, afterwards
    created, made
    company, firm
    died, passed away
    killed, slain
    children, kids
    allowed, permitted
    obtained, gained
    showed, demonstrated
    shows, demonstrates
    chose, picked
    many, a lot of
    numerous, very many
    rapidly, quickly, fast
    main, chief, principal
    border, frontier
    inhabitants, residents
    university, college
    conflict, fighting
    method, approach
    idea, notion
    argued, maintained
    believed, thought
    gave, handed
    movie director, film director
    is known as, is called
    was known as, was called
    such as, like
    as well as, and also
    due to, because of
    prior to, before
    a member of, belongs to
    took place, happened
    take place, happen
    """
)
"""Groups of words and phrases; each may replace another of its group without changing what is claimed."""

OPPOSITES: Final = _groups(
    """
    first, last
    largest, smallest
    larger, smaller
    highest, lowest
    higher, lower
    longest, shortest
    oldest, youngest
    older, younger
    best, worst
    always, never
    before, after
    above, below
    north, south
    northern, southern
    east, west
    eastern, western
    increased, decreased
    increase, decrease
    increases, decreases
    rose, fell
    grew, shrank
    won, lost
    winning, losing
    accepted, rejected
    supported, opposed
    supports, opposes
    allowed, forbade
    began, ended
    begins, ends
    opened, closed
    entered, left
    joined, left
    arrived, departed
    gained, lost
    success, failure
    successful, unsuccessful
    public, private
    urban, rural
    rich, poor
    strong, weak
    stronger, weaker
    early, late
    earlier, later
    hot, cold
    warm, cool
    wet, dry
    male, female
    man, woman
    men, women
    husband, wife
    father, mother
    son, daughter
    brother, sister
    king, queen
    actor, actress
    ancient, modern
    domestic, foreign
    legal, illegal
    common, rare
    commonly, rarely
    often, seldom
    usually, rarely
    majority, minority
    positive, negative
    active, inactive
    extinct, living
    defeated, lost to
    attacked, defended
    friend, enemy
    ally, enemy
    alive, dead
    fictional, real
    professional, amateur
    wealthy, poor
    inside, outside
    inner, outer
    agreed, refused
    able, unable
    independent, dependent
    peace, war
    victory, defeat
    natural, artificial
    """
)
"""Pairs of words that cannot both be true of one thing."""

KINDS: Final = _groups(
    """
    actor, politician, singer, painter, physicist, footballer, lawyer, architect, journalist, general, poet, chemist
    actress, novelist, violinist, swimmer, photographer, economist, dancer, pianist, sculptor, biologist
    comedian, composer, historian, boxer, bishop, engineer, cricketer, philosopher, screenwriter, mathematician
    director, producer, editor, cinematographer
    president, senator, governor, mayor, ambassador, judge
    film, novel, album, play, magazine, opera, video game
    comedy, drama, thriller, western, documentary, horror
    song, poem, painting, short story
    band, orchestra, newspaper, publisher
    rock, jazz, country, pop, folk, classical, punk
    football, basketball, baseball, cricket, tennis, hockey, rugby
    river, lake, mountain, desert, island, valley
    city, village, province, county
    church, castle, museum, hospital, school, theatre, prison
    bird, fish, mammal, insect, reptile, plant
    butterfly, beetle, spider, frog, snake
    gold, silver, copper, iron, coal, oil
    red, blue, green, yellow, black, white
    spring, summer, autumn, winter
    army, navy, air force
    directed, written, produced, edited
    wrote, painted, composed, translated
    hydrogen, oxygen, carbon, nitrogen, helium
    planet, star, comet, galaxy, asteroid
    wheat, rice, cotton, sugar, coffee, tobacco
    Catholic, Protestant, Muslim, Jewish, Buddhist, Hindu
    democracy, monarchy, dictatorship, republic
    bridge, tunnel, railway, airport, canal
    wood, stone, glass, steel, brick
    mathematics, physics, chemistry, biology, law, medicine, economics
    guitar, piano, violin, drums, trumpet
    breakfast, lunch, dinner
    liberal, conservative, socialist
    biography, autobiography, encyclopedia, dictionary
    television series, radio programme, stage play
    bus, train, ship, aircraft
    """
)
"""Words of one kind that exclude each other where one thing is meant."""

COUNTRIES: Final = _listed(
    "Argentina, Australia, Austria, Belgium, Brazil, Bulgaria, Canada, Chile, China, Colombia, Croatia, Cuba, "
    "Denmark, Egypt, England, Ethiopia, Finland, France, Germany, Ghana, Greece, Hungary, Iceland, India, "
    "Indonesia, Iran, Iraq, Ireland, Israel, Italy, Japan, Kenya, Mexico, Morocco, Netherlands, New Zealand, "
    "Nigeria, Norway, Pakistan, Peru, Philippines, Poland, Portugal, Romania, Russia, Scotland, Serbia, South "
    "Africa, South Korea, Spain, Sweden, Switzerland, Syria, Thailand, Turkey, Ukraine, Venezuela, Vietnam, "
    "Wales"
)

ADJECTIVES: Final = _listed(
    "American, Argentine, Australian, Austrian, Belgian, Brazilian, British, Canadian, Chinese, Cuban, "
    "Danish, Dutch, Egyptian, English, Finnish, French, German, Greek, Hungarian, Indian, Iranian, Irish, "
    "Israeli, Italian, Japanese, Kenyan, Korean, Mexican, Nigerian, Norwegian, Pakistani, Polish, Portuguese, "
    "Roman, Russian, Scottish, Serbian, Spanish, Swedish, Swiss, Turkish, Ukrainian, Welsh"
)

ALIASES: Final = _groups(
    """
    the United States, the US, the USA, the U.S.
    the United Kingdom, the UK, the U.K.
    the Soviet Union, the USSR
    the European Union, the EU
    the United Nations, the UN
    World War II, the Second World War
    World War I, the First World War
    New York City, NYC
    Los Angeles, LA
    the Federal Bureau of Investigation, the FBI
    the Central Intelligence Agency, the CIA
    """
)
"""Names of one thing."""

MONTHS: Final = _listed(
    "January, February, March, April, May, June, July, August, September, October, November, December"
)
