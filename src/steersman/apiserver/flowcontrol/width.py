"""How many seats a request takes: more than one where it reads many objects."""

from __future__ import annotations

import math
import re

from steersman.apiserver.requestinfo import Query

OBJECTS_PER_SEAT = 100
MOST_SEATS = 10

_is_number = re.compile("[0-9]{1,19}", re.ASCII).fullmatch


def listing(objects: int, query: Query, most: int) -> int:
    """The seats of a list of a collection that holds so many objects; at most `most`."""
    selector, labels = query.get("fieldSelector"), query.get("labelSelector")
    if "metadata.name=" in selector:
        return 1
    limit = query.get("limit")
    # What is no number is refused later, to whom it is: here nobody has asked for it.
    number = int(limit) if _is_number(limit) else 0
    if number and not selector and not labels:
        objects = min(objects, number)
    return max(1, min(math.ceil(objects / OBJECTS_PER_SEAT), most))


def watching(objects: int, query: Query, most: int) -> int:
    """The seats of a watch until it has told of what is there: those of a list, if it begins with one."""
    initial = query.flag("sendInitialEvents")
    if not initial and query.get("resourceVersion") not in ("", "0"):
        return 1
    return listing(objects, query, most)
