"""Loads the embedding model that the settings name: a sentence-transformers model that is already on this machine.

The extra `newsletter[embeddings]` brings the library; this is the only module that imports it, and only when the model
is first asked for a vector. Nothing is ever downloaded here, and no code that came with a model is run.
"""

from __future__ import annotations

import hashlib
import warnings
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

_LIBRARY = "sentence_transformers"
_ITS_OWN = "sentence-transformers"  # the organisation whose models may be named without it
_TOLD = 200  # characters of what the library says
_MARK = "modules.json"  # what every model has that sentence-transformers saved


class SentenceModel:
    """A model in a folder, as `newsletter.rank.meaning.Embedder` asks. Loading it takes seconds: see `load`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def name(self) -> str:
        """The SHA-256 (hex) of the model's files, which takes no loading: one other byte is another model."""
        try:
            return _digest(self._folder)
        except OSError as error:
            raise ConfigError(f"{_setting(self._folder)} cannot be read: {error.strerror}") from None

    def papers(self, texts: Sequence[str]) -> NDArray[Any]:
        """Return a row for each text, as the model embeds documents."""
        return self._encoded(self._model.encode_document, texts)

    def phrases(self, texts: Sequence[str]) -> NDArray[Any]:
        """Return a row for each text, as the model embeds queries."""
        return self._encoded(self._model.encode_query, texts)

    def load(self) -> None:
        """Load the model now, so that what is wrong with it is told before any work is done.

        Raises:
            ConfigError: it cannot be loaded.
        """
        _ = self._model

    @cached_property
    def _model(self) -> Any:  # noqa: ANN401 - the library is not there where types are checked
        with _told(self._folder), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the library warns of is no business of whoever runs a command
            import torch  # noqa: PLC0415 - comes with the extra, and is slow to import
            from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - the extra
            from transformers.utils import logging  # noqa: PLC0415 - comes with it

            logging.disable_progress_bar()
            logging.set_verbosity_error()
            # One text is too little to share out: threads that wait for each other make it many times slower where the
            # machine is busy, and their number would show in the last digits.
            torch.set_num_threads(1)
            return SentenceTransformer(str(self._folder), local_files_only=True, trust_remote_code=False)

    def _encoded(self, encode: Callable[..., Any], texts: Sequence[str]) -> NDArray[Any]:
        # One text at a time: within a batch, the last digits of a row depend on the texts beside it, and a preview for
        # one reader would differ from the send to all of them.
        with _told(self._folder):
            rows: NDArray[Any] = encode(list(texts), batch_size=1, show_progress_bar=False, normalize_embeddings=True)
        return rows


def find_model(setting: str, home: Path) -> SentenceModel:
    """Return the model of the setting `[rank] embeddings`: a folder (relative to `home`), or a name in the local cache.

    It is found, not loaded.

    Raises:
        ConfigError: the extra is not installed, or there is no such model on this machine.
    """
    if find_spec(_LIBRARY) is None:
        raise ConfigError(
            f"{_setting(setting)} needs an extra; install it with: pip install 'newsletter[embeddings]',"
            ' or set embeddings = ""'
        )
    folder = _folder(setting, home) or _cached(setting)
    if not (folder / _MARK).is_file():
        raise ConfigError(
            f"{_setting(setting)} is no sentence-transformers model: {folder} has no {_MARK}; name another"
        )
    return SentenceModel(folder)


def _folder(setting: str, home: Path) -> Path | None:
    try:
        folder = home / Path(setting).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, RuntimeError):  # too long for a path, not to be entered, or below the home of an unknown user
        return None


def _cached(name: str) -> Path:
    """Return the folder in which the Hugging Face cache holds a model of this name."""
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - comes with the extra

    whole = name if "/" in name else f"{_ITS_OWN}/{name}"
    try:
        return Path(snapshot_download(whole, local_files_only=True))
    except ValueError:
        raise ConfigError(f"{_setting(name)} is no folder, nor a name that a model could have; name another") from None
    except FileNotFoundError:
        raise ConfigError(
            f"{_setting(name)} is no folder and no model on this machine, and nothing is downloaded unasked;"
            f" get it with: hf download {whole}"
        ) from None


def _digest(folder: Path) -> str:
    sha = hashlib.sha256()
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for name in sorted(name for name in files if not any(part.startswith(".") for part in name.split("/"))):
        with files[name].open("rb") as file:
            sha.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\0".encode())
    return sha.hexdigest()


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Say in one line what the model's library raises, which may be anything that its parts raise."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - tokenizer, weights and device each raise their own
        reason = " ".join(str(error).split())[:_TOLD] or type(error).__name__
        advice = 'name another, or set embeddings = ""'
        raise ConfigError(f"{_setting(folder)} cannot be used: {reason}; {advice}") from None


def _setting(value: object) -> str:
    return f"[rank] embeddings: {str(value)!r}"
