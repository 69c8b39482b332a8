"""Each format with what it takes and what it refuses."""

from __future__ import annotations

import pytest

from steersman.kinds.apiextensions.structural import formats

GOOD = {
    "bsonobjectid": ["507f1f77bcf86cd799439011"],
    "uri": ["http://a.b/c?d#e", "/path", "mailto:a@b"],
    "email": ["a@b.example", "A B <a@b.example>"],
    "hostname": ["a", "a.example", "1.example", "münchen.de"],
    "ipv4": ["1.2.3.4", "010.1.1.1"],
    "ipv6": ["::1", "fe80::1", "::ffff:1.2.3.4"],
    "cidr": ["10.0.0.0/8", "fd00::/64", "10.1.2.3/32"],
    "mac": ["01:23:45:67:89:ab", "01-23-45-67-89-AB", "0123.4567.89ab"],
    "uuid": ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"],
    "uuid3": ["a0eebc99-9c0b-3ef8-0b6d-6bb9bd380a11"],
    "uuid4": ["a0eebc99-9c0b-4ef8-8b6d-6bb9bd380a11"],
    "uuid5": ["a0eebc99-9c0b-5ef8-8b6d-6bb9bd380a11"],
    "isbn": ["0321751043", "978-0321751041"],
    "isbn10": ["0-321-75104-3", "097522980X"],
    "isbn13": ["9780321751041"],
    "creditcard": ["4111 1111 1111 1111"],
    "ssn": ["111-11-1111"],
    "hexcolor": ["#FFFFFF", "abc"],
    "rgbcolor": ["rgb(1, 22,255)"],
    "byte": ["aGVsbG8="],
    "password": ["", "x"],
    "date": ["2006-01-02"],
    "duration": ["22 ns", "1h5m", "-1.5s", "3 weeks", "0"],
    "date-time": ["2014-12-15T19:30:20.000Z", "2014-12-15t19:30:20+01:00"],
    "datetime": ["2014-12-15T19:30:20Z"],
    "k8s-short-name": ["a-1"],
    "k8s-long-name": ["a.b-1.c"],
}
BAD = {
    "bsonobjectid": ["x", "507f1f77bcf86cd79943901"],
    "uri": ["", "a b", "relative", "http://[::1", "/a%zz"],
    "email": ["a", "@b", "a@"],
    "hostname": ["", "-a", "a_b", "a..b", "a." + "b" * 64],
    "ipv4": ["1.2.3", "::1", "1.2.3.256"],
    "ipv6": ["1.2.3.4", "x", "fe80::1%eth0"],
    "cidr": ["10.0.0.0", "10.0.0.0/33", "x/8"],
    "mac": ["01:23:45:67:89", "zz:23:45:67:89:ab"],
    "uuid": ["x", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1"],
    "uuid3": ["a0eebc99-9c0b-4ef8-8b6d-6bb9bd380a11"],
    "uuid4": ["a0eebc99-9c0b-4ef8-0b6d-6bb9bd380a11"],
    "uuid5": ["a0eebc99-9c0b-4ef8-8b6d-6bb9bd380a11"],
    "isbn": ["1"],
    "isbn10": ["0321751044"],
    "isbn13": ["9780321751042"],
    "creditcard": ["4111 1111 1111 1112"],
    "ssn": ["1111"],
    "hexcolor": ["#FF"],
    "rgbcolor": ["rgb(1,2,256)"],
    "byte": ["", "%%%"],
    "date": ["2006-1-2", "2006-02-30"],
    "duration": ["", "x", "5 parsecs"],
    "date-time": ["2014-12-15", "2014-12-15T25:00:00Z", "2014-12-15T10:00:00"],
    "k8s-short-name": ["A", "-a", "a" * 64],
    "k8s-long-name": ["a..b", "a" * 254],
}


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, texts in GOOD.items() for t in texts])
def test_good(name: str, text: str) -> None:
    check = formats.find(name)
    assert check is not None
    assert check(text)


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, texts in BAD.items() for t in texts])
def test_bad(name: str, text: str) -> None:
    check = formats.find(name)
    assert check is not None
    assert not check(text)


def test_recognized() -> None:
    assert formats.recognized("string", "date-time")
    assert formats.recognized("", "ipv4")
    assert formats.recognized("integer", "int32")
    assert not formats.recognized("integer", "date")
    assert not formats.recognized("string", "int32")
    assert not formats.recognized("object", "date")
    assert formats.find("unheard-of") is None


@pytest.mark.parametrize(
    "text", ["1" * 100_000, "1" * 100_000 + "!", "1h" * 50_000 + "!", "1" + " " * 100_000, "1 " * 50_000]
)
def test_durations_of_any_length_are_quick(text: str) -> None:
    # Each would take minutes if it could be read in more than one way.
    check = formats.find("duration")
    assert check is not None
    assert check(text) is ("h" in text)
