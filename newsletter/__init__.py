"""A self-hosted newsletter for research papers.

This package holds the whole program; nothing runs on import. `newsletter.cli` is the way in,
`newsletter.pipeline` is the road a paper takes, and the five rooms `collect`, `store`, `rank`, `render`
and `deliver` each do one part of it without knowing of each other.
"""

__version__ = "0.1.0"
