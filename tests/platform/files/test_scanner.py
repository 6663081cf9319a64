"""clamd's protocol, spoken to a socket that answers as clamd does."""

import socket
import struct
import threading

import pytest

from marketplace.platform.files import Scan, Verdict, scan


def read_stream(link: socket.socket) -> bytes:
    with link.makefile("rb") as file:
        assert file.read(10) == b"zINSTREAM\0"
        data = b""
        while length := struct.unpack(">I", file.read(4))[0]:
            data += file.read(length)
        return data


@pytest.fixture
def clamd():
    """Answers like clamd: FOUND when the stream says EICAR, an error when it says LIMIT."""
    server = socket.create_server(("127.0.0.1", 0))
    received = []

    def serve():
        link, _ = server.accept()
        with link:
            data = read_stream(link)
            received.append(data)
            answer = b"stream: OK\0"
            if b"EICAR" in data:
                answer = b"stream: Eicar-Test-Signature FOUND\0"
            if b"LIMIT" in data:
                answer = b"INSTREAM size limit exceeded. ERROR\0"
            link.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.getsockname()[1]}", received
    server.close()


def test_clean(clamd):
    address, received = clamd
    assert scan([b"x" * 200_000, b"", b"y"], address=address) == Scan(Verdict.CLEAN)
    assert received == [b"x" * 200_000 + b"y"]


def test_infected(clamd):
    assert scan([b"EICAR"], address=clamd[0]) == Scan(Verdict.INFECTED, "Eicar-Test-Signature")


def test_an_error_is_not_clean(clamd):
    assert scan([b"LIMIT"], address=clamd[0]).verdict is Verdict.NOT_SCANNED


@pytest.mark.parametrize("address", [None, "", "127.0.0.1:1", "/no/such/socket", "nonsense"])
def test_a_scanner_that_is_down_means_not_scanned(address):
    assert scan([b"x"], address=address).verdict is Verdict.NOT_SCANNED
