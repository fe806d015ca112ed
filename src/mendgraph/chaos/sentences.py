"""What is sent where no input is given: plain, ironic, doubtful, emoji, and awkward texts."""

from __future__ import annotations

SENTENCES = (
    "I finally got the job and the whole family is celebrating tonight!",
    "Oh great, another Monday. Just perfect.",
    "He left without a word and the house feels empty.",
    "Nobody told me the road was closed, so I drove an hour for nothing.",
    "There was a noise in the cellar and the light would not come on.",
    "She kept every letter I ever wrote to her.",
    "I did not expect to see you here of all places!",
    "The milk in the office fridge has grown a skin.",
    "The meeting has moved to four in the small room.",
    "I don't know how I feel about this.",
    "Thanks a lot for deleting my only copy.",
    "It rained all week, so we played cards.",
    "My hands are shaking and the exam starts in ten minutes.",
    "Well, that went about as well as everything else this year.",
    "You remembered my birthday, and you even baked a cake!",
    "They raised the rent again and fixed nothing.",
    "Who would have thought that the quiet one wins the race?",
    "I miss the sound of her singing in the kitchen.",
    "fine.",
    "What time does the last train go?",
    "The test came back, and I am not sure what to make of it.",
    "Someone had clipped his nails onto the table.",
    "😀🎉",
    "😭💔",
    "😡",
    "lol ok whatever 🙃",
    "I love how the update broke everything I use.",
    "Dinner by the sea with you was all I wanted.",
    "I keep checking whether the door is locked.",
    "Ich weiß nicht, was soll es bedeuten.",
    "WHY is it ALWAYS the last bus???",
    "The parcel arrived.",
)
"""Distinct once prepared, so that a row can be told from every other row of its request."""
