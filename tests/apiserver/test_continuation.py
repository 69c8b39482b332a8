"""Continue tokens that clients made up."""

from __future__ import annotations

import base64

import pytest

from steersman.api.errors import BadRequest
from steersman.apiserver import continuation

V1 = '"v":"meta.k8s.io/v1"'


def packed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("revision", [-1, 1, 2**40])
def test_what_was_written(revision: int) -> None:
    assert continuation.decode(continuation.encode("default/a", revision)) == ("default/a", revision)


def test_a_start_from_the_root() -> None:
    assert continuation.decode(packed(f'{{{V1},"rv":1,"start":"/a"}}')) == ("a", 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "illegal base64 data at input byte 0"),
        ("eyJ2=", "illegal base64 data at input byte 4"),
        ("eyJ2e", "illegal base64 data at input byte 4"),
        ("é", "illegal base64 data at input byte 0"),
        (packed("x"), "invalid character 'x' looking for beginning of value"),
        (packed("{"), "unexpected end of JSON input"),
        (packed("[]"), "json: cannot unmarshal array into Go value of type storage.continueToken"),
        (packed("{}"), "server does not recognize this encoded version "),
        (packed("null"), "server does not recognize this encoded version "),
        (packed('{"v":"v2","rv":1,"start":"a"}'), "server does not recognize this encoded version v2"),
        (packed('{"v":1}'), "json: cannot unmarshal number into Go struct field continueToken.v of type string"),
        (packed('{"rv":"1"}'), "json: cannot unmarshal string into Go struct field continueToken.rv of type int64"),
        (packed('{"rv":1.5}'), "json: cannot unmarshal number 1.5 into Go struct field continueToken.rv of type int64"),
        (
            packed('{"rv":9223372036854775808}'),
            "json: cannot unmarshal number 9223372036854775808 into Go struct field continueToken.rv of type int64",
        ),
        (packed('{"rv":true}'), "json: cannot unmarshal bool into Go struct field continueToken.rv of type int64"),
        (packed(f"{{{V1}}}"), "incorrect encoded start resourceVersion (version meta.k8s.io/v1)"),
        (packed(f'{{{V1},"rv":1}}'), "encoded start key empty (version meta.k8s.io/v1)"),
        (packed(f'{{{V1},"rv":1,"start":"../a"}}'), "../a"),
        (packed(f'{{{V1},"rv":1,"start":"a/./b"}}'), "a/./b"),
        (packed(f'{{{V1},"rv":1,"start":"//a"}}'), "//a"),
        (packed(f'{{{V1},"rv":1,"start":"a/"}}'), "a/"),
    ],
)
def test_none(text: str, message: str) -> None:
    with pytest.raises(BadRequest) as raised:
        continuation.decode(text)
    assert raised.value.status()["message"] == f"invalid continue token: continue key is not valid: {message}"
