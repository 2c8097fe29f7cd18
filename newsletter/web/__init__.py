"""The web server: pages that strangers read, and safety for all that are to come.

`server` has every route on one page; the files beside it each have one group of pages. Pages work without JavaScript
and load nothing from another host. It decides nothing about papers, issues or subscribers: it asks the rooms below.
"""
