"""What the TeX converter turns, what it leaves, and that nothing is lost."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.collect.tex import plain_tex

if TYPE_CHECKING:
    from pathlib import Path

PIECES = [
    *("\\", "{", "}", "$", "^", "_", "~", "--", "---", "``", "''", "%", "\\'", '\\"', "\\%", "\\$", "\\(", "\\)"),
    *("\\textbf{", "\\alpha", "\\hat{", "\\frac{", "\\href{", "\\mathbb", "\\foo", "\\sqrt{", "{\\it ", "\\footnote{"),
    *(
        "times",
        "sim",
        "rightarrow",
        "{sim}",
        "^circ",
        "pi_",
        "orange{",
        "https://a.example/b",
        "e",
        "o",
        "x",
        "5",
        "12",
    ),
    *(" ", ",", ".", "(", ")", "é", "\n", "word"),
]
TEXISH = st.lists(st.sampled_from(PIECES) | st.characters(), max_size=40).map("".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\textbf{x}", "x"),
        (r"\textbf{a \emph{b} c}", "a b c"),
        (r"{\it vs.} {\bf b}", "vs. b"),
        (r"\alpha and {\Delta}G at 360{\deg}", "α and ΔG at 360°"),
        (r"2.3\times greater", "2.3× greater"),
        (r"37\% of R\&D, \$5, a\_b, C\#", "37% of R&D, $5, a_b, C#"),
        (r"37\\%", "37%"),
        (r"\href{https://a.example}{text}", "text"),
        (r"at \url{https://a.example/b_c}.", "at https://a.example/b_c."),
        (r"board\footnote{https://a.example/.} Our", "board (https://a.example/.) Our"),
        (r"16\,FPS vs.\ 3", "16 FPS vs. 3"),
        (r"domains (\eg, cars), \ie all", "domains (e.g., cars), i.e. all"),
        (r"\LaTeX{} and \textgreater 96", "LaTeX and > 96"),
        (r"of \mathcal{O}(1)", "of O(1)"),
    ],
)
def test_commands(text: str, expected: str) -> None:
    assert plain_tex(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"Pok\'eChamp, Fr\'{e}chet", "PokéChamp, Fréchet"),
        (r"{\"o}, Schr\"odinger, \"Ust\"un", "ö, Schrödinger, Üstün"),
        (r"na\"{\i}ve, Bolet\'{\i}n", "naïve, Boletín"),
        (r"\c{c} \v{s} \H{o} \~n \^o \`a \aa \o{} \ss", "ç š ő ñ ô à å ø ß"),
        (r"the MLLM\'s, don\'t", "the MLLM's, don't"),
        (r"said \"open\" it", 'said "open" it'),
        (r"a \~8B model", "a ~8B model"),
    ],
)
def test_accents(text: str, expected: str) -> None:
    assert plain_tex(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$O(n^2)$", "O(n²)"),
        (r"$\mathcal{O}(n\log n)$ in $\mathbb{R}^d$", "O(n log n) in ℝᵈ"),
        (r"$10^{-3}$, $\sim 5\times$, 5$\times$, $\approx$10", "10⁻³, ∼ 5×, 5×, ≈10"),
        (r"$\tilde{O}(\sqrt{T})$, $\hat{y}$, $\hat{\theta}$", "Õ(√T), ŷ, θ̂"),
        (r"$x_1,\ldots,x_n$ and $W_{q}$, $\ell_2$", "x₁,…,xₙ and W_q, ℓ₂"),
        (r"$\frac{1}{2}$ and $p<0.05$ and $R$^2", "1/2 and p<0.05 and R²"),
        (r"R$^2$, H$_2$O, $^{13}$C", "R², H₂O, ¹³C"),
        (r"$n$-gram, $k$NN, $f(x)$, $10$", "n-gram, kNN, f(x), 10"),
        (r"$e^{-x/2}$ and $x_{train}$", "e^{-x/2} and x_train"),
        (r"$\{0,1\}^n$", "{0,1}ⁿ"),
        (r"$$E=mc^2$$ and \(a_j\)", "E=mc² and aⱼ"),
        (r"$x\in\mathcal{X}$", "x∈X"),
        (r"$\unknown{x} + 1$", r"$\unknown{x} + 1$"),
    ],
)
def test_mathematics(text: str, expected: str) -> None:
    assert plain_tex(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SL^{2}A-INR, O(N^2), 2^{128}, 10^26", "SL²A-INR, O(N²), 2¹²⁸, 10²⁶"),
        ("pass^k, A^* search, V^{*}", "passᵏ, A* search, V*"),
        ("360^circ, 135^{circ} and 360^circtimes180^circ", "360°, 135° and 360°×180°"),
        ("z_{0}, x_{ij}, G_{stack}, π_{0.5}", "z₀, xᵢⱼ, G_stack, π_0.5"),
        ("n^{1+o(1)} and T^{-1/3}", "n^{1+o(1)} and T^{-1/3}"),
        ("tau^2-Bench, pi_0, nabla^2DFT", "τ²-Bench, π_0, ∇²DFT"),
    ],
)
def test_scripts(text: str, expected: str) -> None:
    assert plain_tex(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.6times faster", "1.6× faster"),
        ("3.66times slower, 4{times} and {sim}20%", "3.66× slower, 4× and ∼20%"),
        ("2 times 2, 64times64, (2 times 2 times 2)", "2 × 2, 64×64, (2 × 2 × 2)"),
        ("in R^{d times d}, N times K", "in R^{d × d}, N × K"),
        ("8timesA800, only sim51K, 1sim4 steps", "8×A800, only ∼51K, 1∼4 steps"),
        ("0.73rightarrow0.90, code rightarrow math", "0.73→0.90, code → math"),
        ("leq 4B, approx20%, infty-RoPE", "≤ 4B, ≈20%, ∞-RoPE"),
        ("textbf{A}, texttt{D}ual, orange{Planning}", "A, Dual, Planning"),
        ("14{,}056, R^2{=}0.8", "14,056, R²=0.8"),
        ("at https://a.example/b{https://a.example/b}.", "at https://a.example/b."),
        ("see https://a.example/b{here}.", "see here (https://a.example/b)."),
    ],
)
def test_what_the_site_leaves_of_tex(text: str, expected: str) -> None:
    assert plain_tex(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a---b, c--d, 2019--2020, e -- f", "a—b, c–d, 2019–2020, e – f"),
        ("``quoted'' words", "“quoted” words"),
        ("Models~(LLMs), RTX~4090, 60~Hz, Pi~5, (2)~x", "Models (LLMs), RTX 4090, 60 Hz, Pi 5, (2) x"),
    ],
)
def test_typography(text: str, expected: str) -> None:
    assert plain_tex(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "costs $5, or $10 a day, up to $1M",
        "4$ per hour, a single $",
        "US$5 (x=3) and 1$: cheap",
        "from $5 to $10, or $5/month?",
        "snake_case and x_1 stay",
        r"we propose \method, \ours{} and \NewName",
        "sometimes, 20 times faster, run times 3",
        "sim2real and sim2reason",
        "about ~50%, 5~66%, 1~4, 1M~4M, x~N(0,1)",
        "use --model or ---- and <!-- this -->",
        "https://a.example/~user/a--b_c^2",
        "``` code ``` and '' and `x'",
        "similar, leqing, approximately, simple, cdots3x",
        "{Turing-RL} and {1.31 FID}",
        "[^abc] and ^_^",
        "an unmatched { and } and \\",
        "",
    ],
)
def test_left_as_it_is(text: str) -> None:
    assert plain_tex(text) == text


@given(st.text(st.characters(exclude_characters="\\${}^~-`_", codec="utf-8")).filter(lambda text: "im" not in text))
def test_text_without_markers_is_the_same_object(text: str) -> None:
    bare = ("times", "arrow", "infty", "eq", "approx", "propto", "cdot")
    if not any(word in text for word in bare):
        assert plain_tex(text) is text


@given(TEXISH)
def test_never_raises_and_hardly_grows(text: str) -> None:
    assert len(plain_tex(text)) <= len(text) * 4 / 3 + 1


@given(st.lists(st.sampled_from(["word", "Größe", "x_1", "$5", "(a)", "3.5%", "A-B", "https://a.example/?q=1"])))
def test_words_are_never_lost(words: list[str]) -> None:
    assert plain_tex("\\alpha: " + " ".join(words)) == "α: " + " ".join(words)


@pytest.mark.parametrize(
    "unit",
    [
        "{",
        "$a",
        "\\textbf{",
        "``",
        "https://x{",
        "\\href{a}{",
        "x^",
        "_{",
        "\\",
        "sim1,",
        "--",
        "~a",
        "\\(",
        "$x^",
        "{\\",
    ],
)
def test_long_hostile_text_takes_linear_time(unit: str) -> None:
    # quadratic work on so many characters would take minutes
    text = unit * (100_000 // len(unit))

    assert len(plain_tex(text)) <= 2 * len(text)


def test_the_recorded_abstracts(shared_data: Path) -> None:
    with gzip.open(shared_data / "replay" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        papers = [json.loads(line) for line in lines]
    texts = [" ".join(str(paper[part]).split()) for paper in papers for part in ("title", "summary")]
    converted = [plain_tex(text) for text in texts]
    changed = [(text, plain) for text, plain in zip(texts, converted, strict=True) if text is not plain]

    assert len(texts) == 2 * 8_358
    assert 1_500 < len(changed) < 1_800  # a tenth: narrow
    assert not [text for text, plain in changed if len(plain) < 0.8 * len(text) - 20]
    assert not any("\\%" in plain or "^2" in plain for plain in converted)
    assert sum(plain_tex(plain) != plain for _, plain in changed) <= 2
    assert sum(text.count("$") - plain.count("$") for text, plain in changed) <= 4  # prices stay
