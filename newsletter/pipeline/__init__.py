"""The road a paper takes, one module a step: collect -> store -> rank -> render -> deliver.

Each step joins the rooms it needs and decides nothing that a room can decide. No step reads the clock: `now` is an
argument. Nothing is printed here.
"""
