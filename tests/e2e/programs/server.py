# server.py PORT N: a small HTTP server, and N requests to it by four threads.
import http.server
import sys
import threading
import urllib.request

port, n = int(sys.argv[1]), int(sys.argv[2])


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def load(count):
    for _ in range(count):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/").read()


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
clients = [threading.Thread(target=load, args=(n // 4,)) for _ in range(4)]
for client in clients:
    client.start()
for client in clients:
    client.join()
server.shutdown()
print("served")
