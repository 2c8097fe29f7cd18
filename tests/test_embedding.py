"""The embedding model: a real one, tiny and random, made here; found, loaded and refused without any network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from newsletter.errors import ConfigError
from newsletter.model import Paper
from newsletter.pipeline.embedding import SentenceModel, find_model
from newsletter.rank.meaning import from_arrays, learn
from tests.conftest import require

if TYPE_CHECKING:
    from collections.abc import Iterable

needs_the_extra = pytest.mark.embeddings
SUBJECTS = ("video generation", "language agents", "protein folding", "speech recognition")
ROOT = Path(__file__).resolve().parent.parent
REVISION = "0123456789abcdef0123456789abcdef01234567"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Loads the model of each setting where every look at the network ends the program; prints what a command would say.
ALONE = """
import sys
from pathlib import Path

def watch(event, details):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        sys.exit(f"asked the network: {event} {details}")

sys.addaudithook(watch)
from newsletter.errors import NewsletterError
from newsletter.pipeline.embedding import find_model
for setting in sys.argv[1:]:
    try:
        print(find_model(setting, Path()).papers(["video generation", "agents"]).shape)
    except NewsletterError as error:
        print(error)
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a BERT of one layer with random weights, saved by sentence-transformers."""
    if find_spec("sentence_transformers") is None:
        require("the extra for embeddings", "install it with: pip install 'newsletter[embeddings]'")
    import torch  # noqa: PLC0415 - an extra
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - an extra
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer  # noqa: PLC0415 - an extra
    from transformers import BertConfig, BertModel, BertTokenizer  # noqa: PLC0415 - comes with it

    folder = tmp_path_factory.mktemp("model")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    words += dict.fromkeys(word for subject in SUBJECTS for word in subject.split())
    (folder / "vocab.txt").write_text("\n".join(words), "utf-8")
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertModel(BertConfig(vocab_size=len(words), max_position_embeddings=64, **sizes)).save_pretrained(folder / "bert")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    parts = [Transformer(str(folder / "bert")), Pooling(sizes["hidden_size"])]
    SentenceTransformer(modules=parts, device="cpu").save(str(folder / "whole"), create_model_card=False)
    return folder / "whole"


@pytest.fixture
def own(saved: Path, tmp_path: Path) -> Path:
    """Return a copy of the model to spoil."""
    return Path(shutil.copytree(saved, tmp_path / "own"))


def alone(*settings: str, cache: Path) -> list[str]:
    """Return what the loader prints, on either stream, in a process of its own that no setting keeps offline."""
    free = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRANSFORMERS_"))}
    environ = {**free, "PYTHONPATH": str(ROOT), "HF_HOME": str(cache)}
    command = [sys.executable, "-c", ALONE, *settings]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    return [*done.stdout.splitlines(), *done.stderr.splitlines()]


def refusal(setting: str, home: Path) -> str:
    """Return the one line with which a model is refused, at once or when it is loaded."""
    with pytest.raises(ConfigError) as caught:
        find_model(setting, home).load()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def papers(subjects: Iterable[str]) -> list[Paper]:
    return [
        Paper(id=f"{number:03}", source="t", title=subject, abstract=f"{subject} {subject} {LETTERS[number % 26]}")
        for number, subject in enumerate(subjects)
    ]


def test_without_the_extra_the_line_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    assert "pip install 'newsletter[embeddings]'" in refusal("some/model", tmp_path)


def test_the_module_alone_imports_nothing_of_the_extra() -> None:
    script = (
        "import sys; from newsletter.pipeline import embedding; print({'torch', 'huggingface_hub'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@needs_the_extra
def test_a_model_in_a_folder_gives_rows_of_length_one(saved: Path) -> None:
    model = find_model(saved.name, saved.parent)
    rows = model.papers(["video generation", "x", "", "video " * 500])
    assert rows.shape == (4, 32)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


@needs_the_extra
def test_a_row_does_not_depend_on_the_texts_beside_it(saved: Path) -> None:
    model = SentenceModel(saved)
    texts = [f"{subject} {letter}" for subject in SUBJECTS for letter in LETTERS]
    together = model.phrases(texts)
    assert all((model.phrases([text])[0] == row).all() for text, row in zip(texts, together, strict=True))


@needs_the_extra
def test_wishes_are_embedded_as_queries_and_papers_as_documents(own: Path) -> None:
    settings = own / "config_sentence_transformers.json"
    told = json.loads(settings.read_text("utf-8"))
    settings.write_text(json.dumps({**told, "prompts": {"query": "agents ", "document": ""}}), "utf-8")
    model = SentenceModel(own)
    assert np.allclose(model.phrases(["video"]), model.papers(["agents video"]), atol=1e-5)
    assert not np.allclose(model.phrases(["video"]), model.papers(["video"]), atol=1e-2)


@needs_the_extra
def test_the_name_is_that_of_the_files_wherever_they_lie(saved: Path, own: Path) -> None:
    before = SentenceModel(own).name
    (own / ".cache").mkdir()
    (own / ".cache" / "note").write_text("of a download", "utf-8")
    assert SentenceModel(own).name == before == SentenceModel(saved).name
    weights = bytearray((own / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (own / "model.safetensors").write_bytes(weights)
    assert SentenceModel(own).name != before


@needs_the_extra
def test_a_real_model_ranks_what_a_wish_names_first(saved: Path) -> None:
    meaning = learn(SentenceModel(saved), papers(SUBJECTS * 20))
    candidates = papers(SUBJECTS)
    matches = [meaning.match([subject], meaning.about(candidates)) for subject in SUBJECTS]
    assert [int(np.argmax(row)) for row in matches] == [0, 1, 2, 3]
    again = from_arrays(SentenceModel(saved), meaning.arrays())
    assert again is not None
    assert (again.match([SUBJECTS[1]], again.about(candidates)) == matches[1]).all()


@needs_the_extra
def test_folders_and_names_are_loaded_without_network_or_noise(saved: Path, tmp_path: Path) -> None:
    for organisation in ("group", "sentence-transformers"):
        kept = tmp_path / "hub" / f"models--{organisation}--model"
        shutil.copytree(saved, kept / "snapshots" / REVISION)
        (kept / "refs").mkdir()
        (kept / "refs" / "main").write_text(REVISION, "utf-8")
    lines = alone(str(saved), "group/model", "sentence-transformers/model", "model", "of-nobody", cache=tmp_path)
    assert lines[:-1] == ["(2, 32)"] * 4
    assert "'of-nobody' is no folder and no model on this machine" in lines[-1]
    assert lines[-1].endswith("get it with: hf download sentence-transformers/of-nobody")


@needs_the_extra
@pytest.mark.parametrize("setting", ["/no/such", "../elsewhere", "~/nothing", "~nobody/x", "a/b/c", "a b", "x" * 999])
def test_what_is_neither_a_folder_nor_a_name_is_refused(setting: str, saved: Path, tmp_path: Path) -> None:
    assert saved.is_dir(), "the extra is there"
    assert repr(setting) in refusal(setting, tmp_path)


@needs_the_extra
def test_a_folder_that_holds_no_model_is_refused(saved: Path, own: Path, tmp_path: Path) -> None:
    (own / "modules.json").unlink()
    assert f"{own} has no modules.json" in refusal(str(own), tmp_path)
    shutil.copy(saved / "modules.json", own)
    weights = own / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert "cannot be used: " in refusal(str(own), tmp_path)


@needs_the_extra
def test_code_that_came_with_a_model_is_not_run(own: Path, tmp_path: Path) -> None:
    (own / "trap.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w').close()\nclass Trap: pass\n", "utf-8")
    parts = json.loads((own / "modules.json").read_text("utf-8"))
    parts[1]["type"] = "trap.Trap"
    (own / "modules.json").write_text(json.dumps(parts), "utf-8")
    assert "cannot be used: " in refusal(str(own), tmp_path)
    assert not (tmp_path / "sprung").exists()
