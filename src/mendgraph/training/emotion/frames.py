"""Sentence frames for negation, mixed feelings and neutral rows.  Written by this project.

A frame is a sentence with slots; `augment.py` fills every slot from `WORDS`.
"""

from __future__ import annotations

WORDS: dict[str, tuple[str, ...]] = {
    "thing": (
        "the move", "my exam results", "the wedding plans", "this job", "our trip", "the new flat", "the interview",
        "the concert", "my haircut", "the team", "the match last night", "the decision", "the diagnosis",
        "dinner with them", "the first day of school", "the new schedule", "his letter", "her message",
        "the ending of the film", "the way it turned out", "living here", "the promotion", "starting over",
        "the garden this year", "what she told me", "our final season", "the rehearsal", "the surgery",
    ),
    "who": (
        "my sister", "my brother", "my dad", "my mum", "my boss", "my neighbour", "my best friend", "my teacher",
        "our coach", "the landlord", "my cousin", "my flatmate", "the nurse", "my daughter", "my son", "grandma",
        "my old classmate", "the new guy", "my aunt", "the choir director",
    ),
    "very": ("really", "exactly", "particularly", "remotely", "terribly", "even slightly", "all that"),
    "glad": ("glad", "thrilled", "cheerful", "delighted", "pleased", "excited", "over the moon", "in high spirits"),
    "upset": ("angry", "furious", "mad", "annoyed", "cross", "irritated"),
    "scared": ("scared", "afraid", "frightened", "terrified", "nervous", "anxious"),
    "down": ("sad", "miserable", "heartbroken", "gloomy", "depressed", "down"),
    "place": (
        "the library", "the post office", "the dentist", "the bakery", "the museum", "the swimming pool",
        "the train station", "the town hall", "the gym", "the pharmacy", "the garage", "the school office",
        "the supermarket", "the clinic", "the bus depot", "the registry",
    ),
    "day": ("Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "time": ("seven", "half past eight", "nine", "ten fifteen", "noon", "two", "four thirty", "six", "midnight"),
    "object": (
        "the blue folder", "the spare key", "the printer cable", "the invoice", "the shopping list", "the ladder",
        "the second parcel", "the meeting notes", "the parking permit", "the guest list", "the updated form",
        "the bike pump", "the recipe", "the charger", "the red suitcase", "the receipt",
    ),
    "number": ("two", "three", "five", "six", "eight", "ten", "twelve", "fifteen", "twenty", "forty"),
}  # fmt: skip

NEGATION: tuple[tuple[str, str], ...] = (
    ("sadness", "I can't say I'm {very} {glad} about {thing}."),
    ("sadness", "{thing} did not leave me {very} {glad}."),
    ("sadness", "There is nothing to be {glad} about after {thing}."),
    ("sadness", "I don't feel {glad} anymore when I think of {thing}."),
    ("sadness", "I wish I could be {glad} for {who}, yet I feel nothing good."),
    ("sadness", "I haven't been {glad} since {who} left."),
    ("sadness", "No, {who} is not {very} {glad}; it has been a hard month."),
    ("anger", "I am not okay with how {who} handled {thing}, not one bit."),
    ("anger", "Don't tell me not to be {upset} about {thing}."),
    ("anger", "I won't calm down, {who} had no right to ruin {thing}."),
    ("anger", "It isn't funny, and I'm not putting up with {who} any longer."),
    ("joy", "I couldn't be more {glad} about {thing}."),
    ("joy", "I have never been so {glad} about anything as I am about {thing}."),
    ("joy", "I'm not {down} anymore, {thing} cheered me right up."),
    ("joy", "Nobody has more fun with {thing} than {who} and me."),
    ("fear", "I don't think I'll sleep before {thing}, I'm not ready at all."),
    ("fear", "I can't stop shaking, I don't want to face {thing}."),
    ("fear", "I'm not brave enough for {thing}."),
    ("neutral", "I'm neither {glad} nor {upset} about {thing}."),
    ("neutral", "I don't have an opinion on {thing}."),
    ("neutral", "{who} isn't {upset}, just asking about {thing}."),
    ("neutral", "I'm not {scared} of {thing} and not {glad} either."),
    ("surprise", "I never expected {thing} to go like that."),
    ("surprise", "I can't believe my eyes, nobody warned me about {thing}."),
    ("disgust", "I can't even look at {thing} without feeling ill."),
    ("disgust", "There is nothing decent about {thing}, it turns my stomach."),
    ("love", "I can't imagine a day without {who}."),
    ("love", "I wouldn't trade {who} for anything in the world."),
    ("love", "There is nobody I adore more than {who}."),
)

# Both halves name a feeling; the label is the one behind the "but".
FEELINGS: dict[str, tuple[str, ...]] = {
    "joy": (
        "I ended up laughing all evening", "now I'm {glad}", "today I woke up full of energy and smiling",
        "in the end it was wonderful fun", "{thing} made me {glad} after all",
    ),
    "sadness": (
        "now I just feel {down}", "I cried the whole way home", "I miss {who} so much that it hurts",
        "my heart is heavy tonight", "{thing} left me {down}",
    ),
    "anger": (
        "now I'm {upset} with {who}", "{who} lied to me and I'm {upset}", "I'm fed up with {who}",
        "I want to scream at {who}", "{thing} makes my blood boil",
    ),
    "fear": (
        "I'm {scared} of what comes next", "I'm {scared} about {thing}", "my hands won't stop trembling",
        "I lie awake dreading {thing}",
    ),
    "love": (
        "I love {who} with all my heart", "I still adore {who}", "{who} means everything to me",
        "I fall for {who} more every day",
    ),
    "surprise": (
        "{thing} came completely out of the blue", "I was stunned when {who} called",
        "my jaw dropped when I heard about {thing}",
    ),
    "disgust": (
        "the smell made me gag", "what {who} did is revolting", "I felt sick to my stomach at the filth",
        "{thing} is just gross",
    ),
}  # fmt: skip

CONCESSIONS: tuple[str, ...] = (
    "At first {first}, but {second}.",
    "{first}; still, {second}.",
    "I know {first}, yet {second}.",
    "Even though {first}, {second}.",
    "Yes, {first}, but more than anything {second}.",
    "Although {first}, {second}.",
    "It's true that {first}; all the same, {second}.",
    "Everyone could tell {first}, only {second}.",
)
FIRST_HALVES: dict[str, tuple[str, ...]] = {
    "joy": ("I was {glad} about {thing}", "it was fun with {who}", "I felt {glad} that morning"),
    "sadness": ("I was {down} about {thing}", "I missed {who} a lot", "I felt {down} that morning"),
    "anger": ("I was {upset} with {who}", "I was {upset} about {thing}"),
    "fear": ("I was {scared} about {thing}", "I was {scared} to call {who}"),
    "love": ("I cared deeply for {who}", "I was fond of {who}"),
    "surprise": ("I didn't see {thing} coming", "I was startled by {who}"),
}

NEUTRAL: tuple[str, ...] = (
    "Does {place} close at {time} on {day}?",
    "Which bus goes to {place} on {day}?",
    "Is {place} on the left or the right of {place2}?",
    "I left {object} at {place}.",
    "Can you bring {object} on {day}?",
    "{who} will pick up {object} at {time}.",
    "Please put {object} next to the door by {time}.",
    "There are {number} chairs in {place}.",
    "The form asks for {number} signatures before {day}.",
    "The appointment at {place} is at {time} on {day}.",
    "How many copies of {object} do we need, {number} or {number2}?",
    "{who} works at {place} from {day} on.",
    "It takes about {number} minutes to walk to {place}.",
    "Did {who} say where {object} is?",
    "The delivery comes between {time} and {time2}.",
    "{object} costs {number} pounds at {place}.",
    "We changed trains once and arrived at {time}.",
    "Page {number} of the manual describes {object}.",
    "What is the phone number of {place}?",
    "According to {who}, {place} has moved to the next street.",
)
