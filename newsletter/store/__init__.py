"""The second room and the only one with SQL: dataclasses in, dataclasses out, every statement bound."""
