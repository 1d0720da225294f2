"""The servers of both sites: DNS, HTTP, TLS, bulk and UDP echo."""
import contextlib
import random
import socket
import ssl
import struct
import threading


def exactly(stream, count):
    data = b""
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise ConnectionError("closed early")
        data += piece
    return data


def until(stream, mark):
    data = b""
    while mark not in data:
        piece = stream.recv(4096)
        if not piece:
            return b""
        data += piece
    return data


# DNS

def dns_query(ident, name, kind):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return struct.pack("!HHHHHH", ident, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


def dns_answer(query):
    end = 12
    while query[end]:
        end += query[end] + 1
    question = query[12:end + 5]
    kind = struct.unpack("!H", query[end + 1:end + 3])[0]
    seed = sum(question)
    records = []
    if not question.startswith(b"\x02nx"):
        if kind == 1:
            records = [bytes([203, 0, 113, (seed + n) % 250 + 1]) for n in range(1 + seed % 3)]
        elif kind == 28:
            records = [bytes.fromhex("20010db8000c") + bytes(8) + struct.pack("!H", seed)]
        elif kind == 16:
            text = b"v=sample; " + b"ring " * (seed % 40)
            records = [bytes([len(text)]) + text]
        elif kind == 15:
            records = [struct.pack("!H", 10) + b"\x04mail\xc0" + b"\x0c"]
    head = query[:2] + struct.pack("!HHHHH", 0x8580 | (0 if records else 3), 1, len(records), 0, 0)
    return head + question + b"".join(
        struct.pack("!HHHIH", 0xC00C, kind, 1, 300, len(data)) + data for data in records)


# TCP

def serve_http(stream):
    while True:
        request = until(stream, b"\r\n\r\n")
        if not request:
            return
        head, rest = request.split(b"\r\n\r\n", 1)
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                exactly(stream, int(line.split(b":")[1]) - len(rest))
        size = int(head.split()[1].strip(b"/"))
        stream.sendall(b"HTTP/1.1 %s\r\nServer: sample\r\nContent-Type: text/plain\r\n"
                       b"Content-Length: %d\r\n\r\n" % (b"200 OK" if size else b"404 Not Found", size)
                       + (b"linked rings " * (size // 13 + 1))[:size])


def serve_dns(stream):
    length = struct.unpack("!H", exactly(stream, 2))[0]
    answer = dns_answer(exactly(stream, length))
    stream.sendall(struct.pack("!H", len(answer)) + answer)


def serve_bulk(stream):
    up, down = struct.unpack("!II", exactly(stream, 8))
    exactly(stream, up)
    stream.sendall(random.Random(down).randbytes(down) or b"\0")
    stream.recv(1)


def tcp_server(space, port, serve, context=None):
    def handle(stream):
        with contextlib.suppress(OSError, ValueError), stream:
            stream.settimeout(5)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is None:
                serve(stream)
            else:
                with context.wrap_socket(stream, server_side=True) as secure:
                    serve(secure)
                    with contextlib.suppress(OSError):
                        secure.unwrap()

    def accept(listener):
        while True:
            with contextlib.suppress(TimeoutError):
                stream, _ = listener.accept()
                threading.Thread(target=handle, args=(stream,), daemon=True).start()

    for family in (socket.AF_INET, socket.AF_INET6):
        listener = space.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(("", port))
        listener.listen(64)
        threading.Thread(target=accept, args=(listener,), daemon=True).start()


def udp_server(space, address, port, answer, pump):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = space.socket(family, socket.SOCK_DGRAM)
    sock.bind((address, port))

    def arrived(_):
        data, peer = sock.recvfrom(65536)
        sock.sendto(answer(data), peer)

    pump.add(sock, arrived)


def start(space, addresses, pump, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    tcp_server(space, 80, serve_http)
    tcp_server(space, 443, serve_http, context)
    tcp_server(space, 53, serve_dns)
    tcp_server(space, 9000, serve_bulk)
    for address in addresses:
        udp_server(space, address, 53, dns_answer, pump)
        udp_server(space, address, 7, lambda data: data, pump)
        udp_server(space, address, 5004, lambda data: data[:len(data) // 4], pump)
