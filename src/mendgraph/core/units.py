"""Units and what they measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DATE: Final = "date"
NUMBER: Final = "number"
"""A dimension without unit: counts, and numbers whose unit is not known."""

_SPELLINGS: Final[Mapping[str, Mapping[float, str]]] = {
    "length": {
        0.001: "mm millimetre millimetres millimeter millimeters",
        0.01: "cm centimetre centimetres centimeter centimeters",
        1.0: "m metre metres meter meters",
        1000.0: "km kilometre kilometres kilometer kilometers",
        0.0254: "inch inches",
        0.3048: "ft foot feet",
        0.9144: "yard yards yd",
        1609.344: "mile miles mi",
    },
    "mass": {
        0.001: "g gram grams",
        1.0: "kg kilogram kilograms kilo kilos",
        1000.0: "tonne tonnes ton tons",
        0.45359237: "pound pounds lb lbs",
        0.028349523: "ounce ounces oz",
    },
    "area": {
        1.0: "m² sqm",
        1e6: "km²",
        1e4: "ha hectare hectares",
        4046.8564224: "acre acres",
    },
    "volume": {
        0.001: "ml millilitre millilitres milliliter milliliters",
        1.0: "litre litres liter liters",
        3.785411784: "gallon gallons",
    },
    "duration": {
        1.0: "second seconds sec",
        60.0: "minute minutes min",
        3600.0: "hour hours hr hrs",
        86400.0: "day days",
        604800.0: "week weeks",
        31557600.0: "year years",
    },
    "speed": {1.0: "km/h kph", 1.609344: "mph"},
    "share": {1.0: "% percent"},
    "temperature": {1.0: "°C"},
}
_TWO_WORDS: Final[Mapping[str, tuple[str, float]]] = {
    "square metre": ("area", 1.0),
    "square meter": ("area", 1.0),
    "square kilometre": ("area", 1e6),
    "square kilometer": ("area", 1e6),
    "square mile": ("area", 1609.344**2),
    "square foot": ("area", 0.3048**2),
    "cubic metre": ("volume", 1000.0),
    "cubic meter": ("volume", 1000.0),
    "degree Celsius": ("temperature", 1.0),
}

UNITS: Final[Mapping[str, tuple[str, float, float]]] = (
    {
        unit: (dimension, factor, 0.0)
        for dimension, spellings in _SPELLINGS.items()
        for factor, units in spellings.items()
        for unit in units.split()
    }
    | {name: (dimension, factor, 0.0) for name, (dimension, factor) in _TWO_WORDS.items()}
    | {f"{name}s": (dimension, factor, 0.0) for name, (dimension, factor) in _TWO_WORDS.items()}
    | {
        "square feet": ("area", 0.3048**2, 0.0),
        "degrees Celsius": ("temperature", 1.0, 0.0),
        "°F": ("temperature", 5 / 9, -160 / 9),
        "degrees Fahrenheit": ("temperature", 5 / 9, -160 / 9),
    }
)
"""Unit as written -> dimension, and factor and offset into its base unit: metres, kilograms, square metres, litres,
seconds, km/h, per cent, degrees Celsius."""
