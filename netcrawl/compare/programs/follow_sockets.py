"""Follow the link at a position, again and again, on bare sockets."""

import socket
import ssl
import sys
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit


def get(url):
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    sock = socket.create_connection((parts.hostname, port))
    if parts.scheme == "https":
        sock = ssl.create_default_context().wrap_socket(sock, server_hostname=parts.hostname)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sock.sendall(f"GET {path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
    answer = b""
    while (data := sock.recv(5120)) and len(answer) < 16_000_000:
        answer += data
    sock.close()
    header, _, body = answer.partition(b"\r\n\r\n")
    if b" 200 " not in header.split(b"\r\n")[0]:
        sys.exit(f"{url}: " + header[:80].split(b"\r\n")[0].decode("latin-1"))
    return body


class Anchors(HTMLParser):
    def __init__(self):
        super().__init__()
        self.hrefs = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.hrefs.append(dict(attrs).get("href"))


url, position, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
print(url)
for _ in range(count):
    anchors = Anchors()
    anchors.feed(get(url).decode(errors="replace"))
    url = urljoin(url, anchors.hrefs[position - 1])
    print(url)
