"""Name formats: what passes, and the words for what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api import names

GOOD = [
    (names.dns1123_label, ["a", "a-b", "0", "a" * 63]),
    (names.dns1123_subdomain, ["a", "a.b", "a-1.b", "0.1"]),
    (names.dns1035_label, ["a", "a1-b"]),
    (names.wildcard_subdomain, ["*.a", "*.a.b"]),
    (names.qualified_name, ["a", "A_b.c", "example.com/Name", "kubernetes.io/metadata.name"]),
    (names.label_value, ["", "a", "A_b.c-d"]),
    (names.path_segment, ["a", "system:node", "a:b.c"]),
    (names.config_map_key, ["a", ".bashrc", "a_b-c.d"]),
    (names.env_name, ["PATH", "a b", "1x", "~"]),
    (names.c_identifier, ["a", "_A1"]),
    (names.port_name, ["http", "a-b", "1a"]),
    (names.percent, ["0%", "100%"]),
    (names.http_header, ["X-A"]),
    (names.condition_reason, ["A", "Foo_Bar"]),
    (names.domain_prefixed_path, ["acme.io/foo", "a/b/c"]),
    (names.ip, ["10.0.0.1", "::1", "2001:db8::ffff", "2001:0db8::1"]),
    (names.canonical_ip, ["10.0.0.1", "2001:db8::1"]),
    (names.cidr, ["10.0.0.0/8", "::/0", "0.0.0.0/0", "10.1.2.3/32"]),
]

LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
KEY = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)

BAD: list[tuple[names.Check, str, list[str]]] = [
    (names.dns1123_label, "A", [LABEL]),
    (names.dns1123_label, "", [LABEL]),
    (names.dns1123_label, "a\n", [LABEL]),
    (names.dns1123_label, "a.b", ["must not contain dots"]),
    (names.dns1123_label, "a" * 64, ["must be no more than 63 characters"]),
    (names.dns1123_subdomain, "a..b", [SUBDOMAIN]),
    (names.dns1123_subdomain, "a_b", [SUBDOMAIN]),
    (names.dns1123_subdomain, "a" * 254, ["must be no more than 253 characters"]),
    (names.qualified_name, "", ["name part must be non-empty", f"name part {KEY}"]),
    (names.qualified_name, "/a", ["prefix part must be non-empty"]),
    (names.qualified_name, "A/a", [f"prefix part {SUBDOMAIN}"]),
    (names.qualified_name, "a b", [f"name part {KEY}"]),
    (names.qualified_name, "a" * 64, ["name part must be no more than 63 bytes"]),
    (names.qualified_name, "a/b/c", [f"a valid label key {KEY} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]),
    (names.label_value, "a b", [LABEL_VALUE]),
    (names.label_value, "a" * 64, ["must be no more than 63 bytes"]),
    (names.path_segment, "..", ["may not be '..'"]),
    (names.path_segment, "a/b%", ["may not contain '/'", "may not contain '%'"]),
    (names.config_map_key, "..", ["must not be '..'"]),
    (names.config_map_key, "..a", ["must not start with '..'"]),
    (names.config_map_key, "a/b", ["a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"]),
    (names.env_name, "", ["environment variable name must be non-empty"]),
    (names.env_name, "a=b", ["a valid environment variable name must consist only of printable ASCII characters other than '='"]),
    (names.port_name, "", ["must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)", "must contain at least one letter (a-z)"]),
    (names.port_name, "80", ["must contain at least one letter (a-z)"]),
    (names.port_name, "a--b", ["must not contain consecutive hyphens"]),
    (names.port_name, "-a", ["must not begin or end with a hyphen"]),
    (names.port_name, "a" * 16, ["must be no more than 15 characters"]),
    (names.ip, "10.0.0.256", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]),
    (names.ip, "fe80::1%eth0", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]),
    (names.ip, "010.0.0.1", ["must not have leading 0s"]),
    (names.ip, "::ffff:1.2.3.4", ["must not be an IPv4-mapped IPv6 address"]),
    (names.canonical_ip, "2001:0db8::1", ['must be in canonical form ("2001:db8::1")']),
    (names.cidr, "10.0.0.1", ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]),
    (names.cidr, "10.0.0.0/33", ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]),
    (names.cidr, "10.0.0.1/8", ["must not have bits set beyond the prefix length"]),
    (names.cidr, "010.0.0.0/8", ["must not have leading 0s in IP or prefix length"]),
    (names.cidr, "10.0.0.0/08", ["must not have leading 0s in IP or prefix length"]),
    (names.domain_prefixed_path, "a", ['must be a domain-prefixed path (such as "acme.io/foo")']),
    (names.percent, "5", ["a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"]),
]  # fmt: skip


@pytest.mark.parametrize(("check", "texts"), GOOD)
def test_good(check: names.Check, texts: list[str]) -> None:
    for text in texts:
        assert not check(text), text


@pytest.mark.parametrize(("check", "text", "messages"), BAD)
def test_bad(check: names.Check, text: str, messages: list[str]) -> None:
    assert list(check(text)) == messages


def test_numbers() -> None:
    assert not names.port_number(1)
    assert list(names.port_number(0)) == ["must be between 1 and 65535, inclusive"]
    assert not names.user_or_group_id(0)
    assert list(names.user_or_group_id(-1)) == ["must be between 0 and 2147483647, inclusive"]


def test_a_generated_name_may_end_in_a_dash_for_now() -> None:
    assert not names.generated(names.dns1123_label)("web-")
    assert names.dns1123_label("web-")
    assert names.generated(names.dns1123_label)("Web-")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("10.0.0.1", ""),
        ("2001:db8::1", ""),
        ("224.1.0.1", ""),
        ("0.0.0.0", "may not be unspecified (0.0.0.0)"),
        ("127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("::1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("169.254.1.1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        ("224.0.0.5", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    ],
)
def test_ordinary_addresses(address: str, why: str) -> None:
    assert "".join(names.ordinary_ip(address)) == why


def test_family() -> None:
    assert [names.ip_family(t) for t in ("1.2.3.4", "::1", "x")] == ["IPv4", "IPv6", ""]


@given(st.text(max_size=70))
def test_every_check_takes_any_text(text: str) -> None:
    for check, _ in GOOD:
        assert all(isinstance(message, str) for message in check(text))
