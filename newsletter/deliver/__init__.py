"""The last room: a rendered digest becomes a message and is handed over. It knows nothing of papers or ranking."""
