"""The white-list of `tex.py`: which TeX commands are known and what each becomes. Tables only.

Chosen by how often a command stands in the recorded Daily Papers titles and abstracts, and by what arXiv's own
abstracts use; a command that is not here stays in the text as it came. No value is longer than its command by more
than a character, so a text hardly grows by being converted.
"""

# ruff: noqa: RUF001 - letters and signs that look like others are what this table is about
# ruff: noqa: SIM905 - a table of words reads as words

from __future__ import annotations

from typing import Final

GREEK: Final = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ϵ",
    "varepsilon": "ε",
    "zeta": "ζ",
    "eta": "η",
    "theta": "θ",
    "kappa": "κ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "xi": "ξ",
    "pi": "π",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "phi": "ϕ",
    "varphi": "φ",
    "chi": "χ",
    "psi": "ψ",
    "omega": "ω",
    "Gamma": "Γ",
    "Delta": "Δ",
    "Theta": "Θ",
    "Lambda": "Λ",
    "Xi": "Ξ",
    "Pi": "Π",
    "Sigma": "Σ",
    "Phi": "Φ",
    "Psi": "Ψ",
    "Omega": "Ω",
    "ell": "ℓ",
    "nabla": "∇",
}

SYMBOLS: Final = GREEK | {
    "times": "×",
    "cdot": "·",
    "pm": "±",
    "mp": "∓",
    "div": "÷",
    "sim": "∼",
    "simeq": "≃",
    "approx": "≈",
    "equiv": "≡",
    "neq": "≠",
    "ne": "≠",
    "leq": "≤",
    "le": "≤",
    "geq": "≥",
    "ge": "≥",
    "ll": "≪",
    "gg": "≫",
    "lesssim": "≲",
    "gtrsim": "≳",
    "propto": "∝",
    "in": "∈",
    "notin": "∉",
    "subset": "⊂",
    "subseteq": "⊆",
    "cup": "∪",
    "cap": "∩",
    "forall": "∀",
    "exists": "∃",
    "infty": "∞",
    "partial": "∂",
    "sum": "∑",
    "prod": "∏",
    "int": "∫",
    "sqrt": "√",
    "to": "→",
    "rightarrow": "→",
    "longrightarrow": "→",
    "mapsto": "↦",
    "leftarrow": "←",
    "leftrightarrow": "↔",
    "uparrow": "↑",
    "downarrow": "↓",
    "Rightarrow": "⇒",
    "Leftrightarrow": "⇔",
    "odot": "⊙",
    "oplus": "⊕",
    "otimes": "⊗",
    "perp": "⊥",
    "mid": "|",
    "vert": "|",
    "Vert": "‖",
    "langle": "⟨",
    "rangle": "⟩",
    "lceil": "⌈",
    "rceil": "⌉",
    "lfloor": "⌊",
    "rfloor": "⌋",
    "dagger": "†",
    "star": "*",
    "ast": "*",
    "circ": "∘",
    "deg": "°",
    "degree": "°",
    "prime": "′",
    "top": "⊤",
    "dots": "…",
    "ldots": "…",
    "cdots": "⋯",
    "textgreater": ">",
    "textless": "<",
    "textendash": "–",
    "textemdash": "—",
    "textregistered": "®",
    "texttrademark": "™",
    "LaTeX": "LaTeX",
    "TeX": "TeX",
    "eg": "e.g.",
    "ie": "i.e.",
    "etc": "etc.",
    "etal": "et al.",
    "o": "ø",
    "O": "Ø",
    "l": "ł",
    "L": "Ł",
    "ss": "ß",
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "aa": "å",
    "AA": "Å",
}

# Set upright in mathematics; they keep their name and a space before it.
FUNCTIONS: Final = frozenset(
    "arg cos cosh det dim exp gcd inf ker lim ln log max min mod poly polylog sin sinh sup tan tanh".split()
)

# `\name{text}` is shown as its text.
FORMATS: Final = frozenset(
    "emph text textbf textit textnormal textrm textsc textsf textsl texttt textup underline mbox hbox url "
    "boldsymbol bm mathbf mathcal mathfrak mathit mathrm mathsf mathtt mathscr operatorname".split()
)

# `{\name text}` is shown as its text, too.
SWITCHES: Final = frozenset("bf cal em it rm sc sf sl tt bfseries itshape scshape ttfamily".split())

# Spacing and sizes, of which nothing is shown.
SILENT: Final = frozenset(
    "allowbreak big Big bigg Bigg bigl bigr Bigl Bigr displaystyle left limits linebreak newline nobreak nolimits "
    "noindent right textstyle".split()
)

# The colours of the xcolor package that authors use: `\orange{text}` and what a site leaves of it, `orange{text}`.
COLOURS: Final = frozenset("black blue brown cyan gray green magenta orange purple red teal violet yellow".split())

BLACKBOARD: Final = {"C": "ℂ", "E": "𝔼", "N": "ℕ", "P": "ℙ", "Q": "ℚ", "R": "ℝ", "Z": "ℤ"}

# Accent command -> combining mark (it goes behind its letter, then NFC joins the two).
ACCENTS: Final = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    "~": "\u0303",
    "=": "\u0304",
    ".": "\u0307",
    '"': "\u0308",
    "u": "\u0306",
    "r": "\u030a",
    "H": "\u030b",
    "v": "\u030c",
    "c": "\u0327",
    "k": "\u0328",
    "hat": "\u0302",
    "widehat": "\u0302",
    "check": "\u030c",
    "tilde": "\u0303",
    "widetilde": "\u0303",
    "bar": "\u0304",
    "overline": "\u0304",
    "dot": "\u0307",
    "ddot": "\u0308",
}

SUPERSCRIPTS: Final = str.maketrans(
    "0123456789+-=abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ",
)
SUBSCRIPTS: Final = str.maketrans("0123456789+-=aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
