"""The WebSocket subprotocols of exec, attach and port-forward: numbered channels inside messages. No I/O."""

from __future__ import annotations

import base64
import binascii
import json

from msgspec import Struct

from steersman.api import websocket

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
CLOSE = 255


class ChannelProtocol(Struct, frozen=True, kw_only=True):
    """How one subprotocol frames its channels.

    `encoded`: text messages, a digit and base64 instead of a byte and bytes. `can_close`: the client may
    half-close a channel. `status`: the error channel carries a Status object, success included; otherwise
    only the text of a failure.
    """

    name: str
    encoded: bool = False
    can_close: bool = False
    status: bool = True

    def encode(self, channel: int, data: bytes) -> tuple[int, bytes]:
        """A message as (opcode, payload)."""
        if self.encoded:
            return websocket.TEXT, str(channel).encode() + base64.b64encode(data)
        return websocket.BINARY, bytes([channel]) + data

    def decode(self, message: bytes) -> tuple[int, bytes] | None:
        """A message as (channel, data); None for an empty or a damaged one."""
        if not message:
            return None
        if not self.encoded:
            return message[0], message[1:]
        try:
            return int(message[:1]), base64.b64decode(message[1:], validate=True)
        except (ValueError, binascii.Error):
            return None

    def error(self, status: bytes) -> bytes:
        """What the error channel says for a Status object; b"" for nothing."""
        if self.status:
            return status
        try:
            found = json.loads(status)
        except ValueError:
            return status
        return b"" if found.get("status") == "Success" else str(found.get("message", "")).encode()


_V5 = ChannelProtocol(name="v5.channel.k8s.io", can_close=True)
_V4 = ChannelProtocol(name="v4.channel.k8s.io")
_V4_BASE64 = ChannelProtocol(name="v4.base64.channel.k8s.io", encoded=True)
_V1 = ChannelProtocol(name="channel.k8s.io", status=False)
_V1_BASE64 = ChannelProtocol(name="base64.channel.k8s.io", encoded=True, status=False)
# A client that asks for no subprotocol gets the first version.
_NONE = ChannelProtocol(name="", status=False)

REMOTE_COMMAND = {p.name: p for p in (_V5, _V4, _V4_BASE64, _V1, _V1_BASE64, _NONE)}
PORT_FORWARD = {p.name: p for p in (_V4, _V4_BASE64, _NONE)}
TUNNEL = "SPDY/3.1+portforward.k8s.io"
