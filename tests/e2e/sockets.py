"""WebSockets as RFC 6455 has them, as far as these tests need."""
import os
import struct


def begin_socket(service, connection, job, key=None):
    connection.sendall(f"GET /v1/jobs/{job}/io HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key or service.tenant}\r\n"
                       "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(1)
    return answer


def send_frame(connection, opcode, data):
    mask = os.urandom(4)
    length = struct.pack("!BBH", 0x80 | opcode, 0xfe, len(data)) if len(data) > 125 else bytes([0x80 | opcode, 0x80 | len(data)])
    connection.sendall(length + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)))


def take_frame(file):
    first, length = file.read(2)
    if length == 126:
        length, = struct.unpack("!H", file.read(2))
    return first & 15, file.read(length)
