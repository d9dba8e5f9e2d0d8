"""A receiver of webhooks on the loopback: keeps what was posted, verifies it as Standard Webhooks says, and answers as it is told.

    with Receiver() as receiver:
        receiver.answer = lambda post: 500      # a status; None: no answer at all
        server.must("hook", "add", receiver.url)
"""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time


def signature(secret, post):
    """What stands in webhook-signature by this secret ("whsec_…")."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{post.id}.{post.timestamp}.".encode() + post.body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


class Post:
    def __init__(self, handler, body):
        self.path, self.body, self.at = handler.path, body, time.time()
        self.id, self.timestamp = handler.headers["webhook-id"], handler.headers["webhook-timestamp"]
        self.signatures = handler.headers["webhook-signature"].split(" ")
        self.type = handler.headers["content-type"]
        self.headers = dict(handler.headers.items())
        told = json.loads(body)
        self.event, self.data = told["type"], told["data"]

    def is_signed_by(self, secret):
        return any(hmac.compare_digest(one, signature(secret, self)) for one in self.signatures)


class Receiver:
    def __init__(self, port=0, host="127.0.0.1"):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                post = Post(self, self.rfile.read(int(self.headers["content-length"])))
                with receiver.changed:
                    receiver.posts.append(post)
                    receiver.changed.notify_all()
                status = receiver.answer(post)
                if status is None:
                    receiver.ended.wait(60)
                    return
                if status < 300:
                    with receiver.changed:
                        receiver.taken.append(post)
                self.send_response(status)
                for name, value in receiver.fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.posts, self.taken, self.changed, self.ended = [], [], threading.Condition(), threading.Event()
        self.answer, self.fields = lambda post: 200, {}
        self.server = http.server.ThreadingHTTPServer((host, port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://{host}:{self.port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def wait(self, condition, seconds=30):
        """Until the condition holds of the posts so far, which are given back."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while not condition(self.posts):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"posts so far: {[(one.event, one.id) for one in self.posts]}")
                self.changed.wait(left)
            return list(self.posts)
