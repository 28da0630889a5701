"""What the tables have in common: their prefix, the types of ids, partial indexes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Integer, String, text

PREFIX = "nexora_rt_"

ID = String(32)
CONVERSATION_ID = String(164)
USER_ID = String(128)
CLIENT_ID = String(64)
# What is left of a channel's name after `private-org-`.
ORG_ID = String(152)
# SQLite numbers rows by itself only in an INTEGER primary key.
ROW_ID = BigInteger().with_variant(Integer, "sqlite")


def partial(name: str, columns: tuple[str, ...], where: str) -> Index:
    """An index of the rows that are asked for, so that old ones cost nothing."""
    return Index(name, *columns, postgresql_where=text(where), sqlite_where=text(where))
