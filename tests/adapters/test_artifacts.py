from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from mendgraph.adapters.artifacts import (
    Artifact,
    BaseModelRef,
    DataSource,
    Manifest,
    open_artifact,
    resolve,
    write_artifact,
)
from mendgraph.errors import ArtifactError, ArtifactMissing, HashMismatch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "primary"
    (place / "sub").mkdir(parents=True)
    save_file({"w": torch.arange(6.0).view(2, 3)}, place / "heads.safetensors")
    (place / "sub" / "table.json").write_text('{"a": [1, "é"]}', encoding="utf-8")
    written(place)
    return place


def written(place: Path, **fields: Any) -> Artifact:
    names = ["sub/table.json", "heads.safetensors"]
    return write_artifact(place, name="primary", kind="adapter", task="emotion", files=names, **fields)


def edit(place: Path, **changes: Any) -> None:
    path = place / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def rewrite(path: Path, content: bytes) -> None:
    """Other content under another modification time, as any real edit has."""
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))


def test_what_was_written_is_read(folder: Path) -> None:
    fields = {
        "base_model": BaseModelRef(name="mini", sha256="ab" * 32),
        "labels": ("joy", "fear"),
        "settings": {"max_length": 96, "pooling": "mean"},
        "training": {"epochs": 4},
        "data": [DataSource(name="corpus", licence="Apache-2.0", rows=10, source="paper")],
        "versions": {"torch": "2.13"},
        "metrics": {"macro_f1": 0.7},
    }
    artifact = written(folder, **fields)
    opened = open_artifact(folder)
    assert opened == artifact
    assert {key: getattr(opened.manifest, key) for key in fields} == fields
    assert opened.tensors("heads.safetensors")["w"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert opened.json("sub/table.json") == {"a": [1, "é"]}
    assert sorted(path.name for path in folder.iterdir()) == ["heads.safetensors", "manifest.json", "sub"]


def test_the_fingerprint_follows_files_and_base_only(folder: Path) -> None:
    plain = open_artifact(folder).fingerprint
    assert len(plain) == 16
    assert written(folder, metrics={"f1": 1}).fingerprint == plain
    assert written(folder, base_model=BaseModelRef(name="x", sha256="cd" * 32)).fingerprint != plain
    rewrite(folder / "sub" / "table.json", b"{}")
    assert written(folder).fingerprint != plain


def test_one_flipped_byte_is_refused(folder: Path) -> None:
    content = (folder / "heads.safetensors").read_bytes()
    rewrite(folder / "heads.safetensors", content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(HashMismatch, match=r"heads\.safetensors has SHA-256") as caught:
        open_artifact(folder)
    assert "restore" in caught.value.hint


def test_a_change_after_opening_is_seen_when_read(folder: Path) -> None:
    artifact = open_artifact(folder)
    rewrite(folder / "sub" / "table.json", b"[]")
    with pytest.raises(HashMismatch):
        artifact.json("sub/table.json")


@pytest.mark.parametrize("gone", ["manifest.json", "heads.safetensors", "sub/table.json"])
def test_missing_files_are_named(folder: Path, gone: str) -> None:
    (folder / gone).unlink()
    with pytest.raises(ArtifactMissing, match=gone):
        open_artifact(folder)


def test_a_file_the_manifest_lacks_cannot_be_read(folder: Path) -> None:
    (folder / "stray.json").write_text("{}")
    with pytest.raises(ArtifactMissing, match=r"no 'stray\.json', only heads"):
        open_artifact(folder).json("stray.json")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"labels": "joy"}, "labels"),
        ({"surprise": 1}, "surprise"),
        ({"format": 2}, "format"),
        ({"name": None}, "name"),
        ({"base_model": {"name": "x", "sha256": "abc"}}, r"base_model\.sha256"),
        ({"data": [{"name": "x", "licence": "MIT", "rows": -1}]}, r"data\.0\.rows"),
    ],
)
def test_malformed_manifests_say_where(folder: Path, changes: dict[str, Any], where: str) -> None:
    edit(folder, **changes)
    with pytest.raises(ArtifactError, match=rf"manifest\.json: {where}: "):
        open_artifact(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "\ufeff"])
def test_a_torn_manifest_is_refused(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ArtifactError, match="the document"):
        open_artifact(folder)


@pytest.mark.parametrize(
    "path", ["../secret.json", "sub/../../secret.json", "/etc/hostname", "link.json", "..", "a\\b", "."]
)
def test_paths_out_of_the_folder_are_refused(folder: Path, path: str) -> None:
    (folder.parent / "secret.json").write_text("{}")
    (folder / "link.json").symlink_to(folder.parent / "secret.json")
    edit(folder, files={path: "0" * 64})
    with pytest.raises(ArtifactError, match="leads out of"):
        open_artifact(folder)
    with pytest.raises(ArtifactError, match="leads out of"):
        write_artifact(folder, name="x", kind="x", task="x", files=[path])


def test_a_linked_folder_is_fine(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(folder, target_is_directory=True)
    assert open_artifact(tmp_path / "alias").manifest.name == "primary"


def test_damaged_content_with_a_right_hash_is_refused(folder: Path) -> None:
    rewrite(folder / "heads.safetensors", b"not safetensors")
    rewrite(folder / "sub" / "table.json", b"\xff{")
    artifact = written(folder)
    with pytest.raises(ArtifactError, match="SafetensorError"):
        artifact.tensors("heads.safetensors")
    with pytest.raises(ArtifactError, match="UnicodeDecodeError"):
        artifact.json("sub/table.json")


def test_writing_needs_the_files_and_leaves_nothing_half_done(folder: Path) -> None:
    before = (folder / "manifest.json").read_text()
    with pytest.raises(ArtifactMissing, match=r"gone\.bin"):
        write_artifact(folder, name="x", kind="x", task="x", files=["gone.bin"])
    assert (folder / "manifest.json").read_text() == before


def test_the_manifest_is_readable_by_others(folder: Path) -> None:
    assert (folder / "manifest.json").stat().st_mode & 0o777 == 0o644


def test_manifests_are_frozen(folder: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        open_artifact(folder).manifest.name = "other"
    assert Manifest.model_validate_json((folder / "manifest.json").read_text()).name == "primary"


def test_specs_resolve_to_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve("embedded:emotion/primary").parts[-4:] == ("mendgraph", "weights", "emotion", "primary")
    assert resolve(str(tmp_path)) == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve("~/models") == tmp_path / "models"
    with pytest.raises(ArtifactError, match="leads out of"):
        resolve("embedded:../../etc")
