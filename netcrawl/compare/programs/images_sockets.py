"""Save the pictures of a page, on bare sockets."""

import socket
import ssl
import sys
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
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
    lines = header.decode("latin-1").split("\r\n")
    if lines[0].split()[1] in ("301", "302", "303", "307", "308"):
        fields = dict(line.lower().split(":", 1) for line in lines[1:])
        return get(urljoin(url, fields["location"].strip()))
    if " 200 " not in lines[0]:
        sys.exit(f"{url}: {lines[0]}")
    return body


class Images(HTMLParser):
    def __init__(self, url):
        super().__init__()
        self.base, self.urls = url, []

    def handle_starttag(self, tag, attrs):
        if tag == "base" and "href" in dict(attrs):
            self.base = urljoin(self.base, dict(attrs)["href"])
        if tag == "img" and "src" in dict(attrs):
            self.urls.append(urljoin(self.base, dict(attrs)["src"]))


images = Images(sys.argv[1])
images.feed(get(sys.argv[1]).decode(errors="replace"))
for url in dict.fromkeys(images.urls):
    picture = get(url)
    name = sha256(picture).hexdigest()
    Path(name).write_bytes(picture)
    print(url, len(picture), name)
