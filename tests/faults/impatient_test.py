"""A client that goes away between the end of its data and the reply, and sends again: at most one copy more."""

import random
import threading
import unittest

from ledger import Ledger, check
from server import SECRET, Server

ANN = "ann@example.test"
CLIENTS = 4
MESSAGES = 25


class ImpatientTest(unittest.TestCase):
    def client(self, server, ledger, seed):
        chance = random.Random(seed)
        for _ in range(MESSAGES):
            one = ledger.write("x@y.test", local=[ANN], size=chance.choice((100, 5000, 150_000)))
            if chance.random() < 0.6:
                self.attempt(server, one, leave=True)
                one.attempts += 1
            self.attempt(server, one, leave=False)

    def attempt(self, server, one, leave):
        client = server.smtp()
        client.mail(one.sender)
        client.rcpt(ANN)
        client.docmd("DATA")
        one.begun = True
        client.send(one.data() + b".\r\n")
        if not leave:
            one.code = client.getreply()[0]
        client.close()

    def test_at_most_one_more(self):
        with Server(accounts={ANN: SECRET}, limits={"connections_per_address": 100}) as server:
            ledger = Ledger()
            threads = [threading.Thread(target=self.client, args=(server, ledger, seed)) for seed in range(CLIENTS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual({one.code for one in ledger.sent}, {250})
            messages = server.mail(ANN)
            self.assertEqual(check(ledger, {ANN: messages}, []), [])
            self.assertEqual(server.findings(), [])
            print(f"{len(ledger.sent)} messages, {sum(one.attempts - 1 for one in ledger.sent)} sent again, {len(messages)} copies")


if __name__ == "__main__":
    unittest.main()
