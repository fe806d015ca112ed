"""Everyday situations for sarcasm: each with what goes wrong and what goes well.  Written by this project.

Sincere praise and plain complaint about the *same* situations stand beside the sarcasm, so that irony cannot be
learned from the situation words alone.
"""

from __future__ import annotations

# (what went wrong, what went well); both continue a sentence after praise.
SITUATIONS: tuple[tuple[str, str], ...] = (
    ("the train is an hour late again", "the train arrived ten minutes early"),
    ("my laptop died right before the deadline", "my laptop is fixed and faster than before"),
    ("it is pouring on our picnic", "the sun came out for our picnic"),
    ("they lost my luggage for the third time", "they found my luggage within an hour"),
    (
        "the neighbours are drilling at six in the morning",
        "the neighbours brought us fresh bread this morning",
    ),
    ("my phone screen cracked on day one", "my phone survived the fall without a scratch"),
    ("the boss scheduled a meeting over my lunch break", "the boss gave everyone a longer lunch break"),
    ("the printer jammed five minutes before class", "the printer finally works on the first try"),
    ("my card got declined in front of everybody", "the shop gave me a refund without any questions"),
    ("the heating broke in the middle of January", "the heating is back and the house is warm"),
    ("somebody ate the lunch I labelled with my name", "somebody left homemade soup on my desk"),
    ("they cancelled my flight while I was in the queue", "they moved me up to a better seat on my flight"),
    ("the update deleted all of my photos", "the update brought back all of my old photos"),
    ("my alarm did not go off on exam day", "my exam went better than I had hoped"),
    ("the washing machine flooded the kitchen", "the new washing machine is so quiet"),
    ("traffic has not moved for forty minutes", "traffic was so light that I got home early"),
    ("the waiter brought me the wrong order twice", "the waiter gave us dessert on the house"),
    ("my umbrella flipped inside out on the bridge", "a stranger shared an umbrella with me on the bridge"),
    ("the dog chewed my only pair of good shoes", "the dog learned to fetch my shoes"),
    ("my roommate left a mountain of dirty dishes", "my roommate cleaned the whole kitchen"),
    ("the internet went down in the middle of my talk", "the talk went smoothly and people clapped"),
    ("customer support hung up on me after an hour", "customer support solved it in two minutes"),
    ("they raised the rent without telling us", "they lowered the rent for the summer"),
    ("my car was towed from my own driveway", "my car passed the inspection"),
    ("the cinema sold my seat to somebody else", "the cinema gave us free tickets"),
    ("I stepped in gum with my new sneakers", "my new sneakers fit like a glove"),
    ("the parcel arrived crushed and empty", "the parcel arrived two days early"),
    ("the gym charged me after I had quit", "the gym gave me a free month"),
    ("my group did nothing for the project", "my group finished the project ahead of time"),
    ("the cat threw up on the clean sheets", "the cat slept on my lap all afternoon"),
    ("the doctor kept me waiting for three hours", "the doctor said everything is fine"),
    ("my team gave away the lead in the last minute", "my team won with a goal in the last minute"),
    ("the elevator is stuck and I live on the ninth floor", "the elevator works again after a month"),
    ("he forgot my birthday once more", "he planned a whole day for my birthday"),
    ("the app logged me out and lost my draft", "the app saved my draft by itself"),
    ("the tickets sold out while the page was loading", "we got the last two tickets"),
    ("my coffee spilled all over the report", "my coffee came with a little heart in the foam"),
    ("the manager took credit for my idea", "the manager praised my idea in front of all"),
    ("a wasp landed in my only slice of cake", "grandma baked my favourite cake"),
    ("the bank blocked my account on payday", "payday came early this month"),
)

SARCASTIC: tuple[str, ...] = (
    "Lovely, {bad}. What a treat.",
    "How wonderful that {bad}.",
    "Fantastic news: {bad}.",
    "Brilliant timing, {bad}.",
    "I just adore it when {bad}.",
    "Yay, {bad}! Lucky me.",
    "Because nothing says fun like this: {bad}.",
    "Could this get any better? {bad}.",
    "Well done everyone, {bad}. Bravo.",
    "Best service ever, {bad}.",
    "Thanks a million, {bad}.",
    "Just what my week was missing: {bad}.",
)

SINCERE: tuple[str, ...] = (
    "Lovely, {good}. What a treat.",
    "How wonderful that {good}.",
    "Fantastic news: {good}.",
    "I just adore it when things work: {good}.",
    "Yay, {good}! Lucky me.",
    "Could this get any better? {good}.",
    "Thanks a million, {good}.",
    "Well done everyone, {good}. Bravo.",
    "I'm still smiling because {good}.",
    "Best service ever, {good}.",
)

COMPLAINTS: tuple[str, ...] = (
    "I'm so annoyed, {bad}.",
    "Seriously, {bad}. I'm furious.",
    "It makes me angry that {bad}.",
    "Ugh, {bad}, and I've had enough.",
    "I can't stand it: {bad}.",
)

REPORTS: tuple[str, ...] = (
    "She mentioned that {bad}.",
    "Just so you know, {bad}.",
    "The note says that {good}.",
    "He asked whether {good}.",
)
