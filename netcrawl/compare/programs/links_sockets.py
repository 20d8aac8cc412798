"""Print where the links of a page lead, on a bare socket."""

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


class Links(HTMLParser):
    def handle_starttag(self, tag, attrs):
        if tag == "a" and "href" in dict(attrs):
            print(urljoin(sys.argv[1], dict(attrs)["href"]))


Links().feed(get(sys.argv[1]).decode(errors="replace"))
