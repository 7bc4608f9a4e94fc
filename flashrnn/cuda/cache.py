"""What was worked out once, kept on disk: compiled kernels, solved configurations, profiles of unknown GPUs.

An entry is a file named after the hash of its key, and a key holds everything that the entry depends on.
Files appear whole, by renaming, so any number of processes may share the folder without locks: at worst two
of them work out the same entry. An entry that is damaged counts as absent and is written anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Goes into every key: raise it when the meaning of what is stored changes.
FORMAT = 1


def folder() -> Path:
    """The folder of all entries: FLASHRNN_CACHE, else `flashrnn` in the user's folder of caches."""
    chosen = os.environ.get("FLASHRNN_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "flashrnn"


def path_of(kind: str, key: Mapping[str, Any]) -> Path:
    """The file of an entry. `kind` is a folder's name; `key` must be made of what JSON can hold."""
    text = json.dumps({"format": FORMAT, **key}, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return folder() / kind / hashlib.sha256(text.encode()).hexdigest()


def read(kind: str, key: Mapping[str, Any]) -> bytes | None:
    """What was written under this key; None where nothing was, or it is damaged."""
    try:
        stored = path_of(kind, key).read_bytes()
    except OSError:
        return None
    digest, content = stored[:_DIGEST], stored[_DIGEST:]
    return content if hashlib.sha256(content).digest() == digest else None


def write(kind: str, key: Mapping[str, Any], content: bytes) -> None:
    """Keeps `content` under this key. Where the folder cannot be written, warns and goes on without."""
    place(path_of(kind, key), hashlib.sha256(content).digest() + content)


def place(path: Path, content: bytes) -> bool:
    """Puts a whole file into the folder; False, with a warning, where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        warnings.warn(
            f"the cache folder {folder()} cannot be written ({error}): nothing is kept between runs; "
            "FLASHRNN_CACHE names another folder",
            RuntimeWarning,
            stacklevel=3,
        )
        return False
    return True


_DIGEST = hashlib.sha256().digest_size
