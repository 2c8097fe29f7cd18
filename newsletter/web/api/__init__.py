"""The JSON API under `/api/v1`: what it takes and gives, who may, and what it says when it refuses.

`routes` has every operation on one page; the files beside it each have those on one noun. It decides nothing about
papers, issues or subscribers: it asks the rooms below, as the pages do.
"""
