"""Fields of protocol buffers are written and read alike; what is none is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api import protobuf

NUMBERS = st.integers(1, 2**29 - 1)


@given(st.lists(st.tuples(NUMBERS, st.integers(0, 2**64 - 1) | st.binary(max_size=300))))
def test_fields_come_back(fields: list[tuple[int, int | bytes]]) -> None:
    written = b"".join(
        protobuf.delimited(number, value)
        if isinstance(value, bytes)
        else protobuf.tag(number, protobuf.VARINT) + protobuf.varint(value)
        for number, value in fields
    )
    assert list(protobuf.scan(written)) == fields


@pytest.mark.parametrize(("number", "written"), [(0, "00"), (127, "7f"), (128, "8001"), (-1, "ff" * 9 + "01")])
def test_numbers(number: int, written: str) -> None:
    assert protobuf.varint(number).hex() == written
    assert protobuf.read_varint(protobuf.varint(number), 0) == (number % 2**64, len(written) // 2)


@given(st.binary(max_size=50))
def test_anything_else_is_refused(data: bytes) -> None:
    try:
        fields = list(protobuf.scan(data))
    except protobuf.BROKEN:
        return
    assert all(isinstance(value, int | bytes) for _, value in fields)


@pytest.mark.parametrize("data", ["0a05", "ff", "0b", "ff" * 10 + "01"])
def test_broken(data: str) -> None:
    with pytest.raises(protobuf.BROKEN):
        list(protobuf.scan(bytes.fromhex(data)))
