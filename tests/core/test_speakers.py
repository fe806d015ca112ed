"""Who is client and who is counsellor, by name."""

from __future__ import annotations

import pytest

from mendgraph.core.speakers import CLIENTS, COUNSELLORS, role_named, role_of
from mendgraph.errors import ConfigError


def test_no_name_is_both() -> None:
    assert not CLIENTS & COUNSELLORS
    assert all(role_of(name.upper()) == "client" for name in CLIENTS)
    assert all(role_of(f" {name.title()} ") == "counsellor" for name in COUNSELLORS)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Therapist 2", "counsellor"),
        ("CLIENT (Ann)", "client"),
        ("Dr. Smith", "counsellor"),
        ("nurse Joy", "counsellor"),
        ("Dr.", "counsellor"),
        ("social_worker", "counsellor"),
        ("help  seeker", "client"),
        ("Drive carefully", None),
        ("Clientele", None),
        ("Ann", None),
        ("", None),
    ],
)
def test_names_as_transcripts_have_them(name: str, role: str | None) -> None:
    assert role_of(name) == role


def test_a_conversation_may_know_its_own_names_and_they_win() -> None:
    assert role_of("ANN", {"Ann": "client"}) == "client"
    assert role_of("Doctor", {"doctor": "client"}) == "client"


def test_a_role_goes_by_any_of_its_names() -> None:
    assert role_named("Patient") == "client"
    with pytest.raises(ConfigError, match=r"'judge' is no role .*known: client, counsellor"):
        role_named("judge")
