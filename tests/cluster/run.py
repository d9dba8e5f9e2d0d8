#!/usr/bin/python3
"""make run-cluster: three servers and three databases on machines of their own; the database that is written to dies, and a server, and
every message arrives.

    run.py             shows it and ends
    run.py --stay      stays up until Ctrl-C, and tells how to reach it
"""

import pathlib
import sys
import time

import machines

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e")]


def main():
    if (code := machines.enter(sys.argv)) is not None:
        return code
    from cluster import Cluster
    from nodes import Client, Ledger, mail_of_all
    from server import wait_until

    say = machines.teller()

    with Cluster(say=say) as cluster:
        ledger = Ledger()
        clients = [Client(number, cluster.nodes, ledger, pause=0.05) for number in range(4)]

        def send_more(count):
            wanted = len(ledger.acknowledged) + count
            wait_until(lambda: len(ledger.acknowledged) >= wanted, f"{count} more messages to be taken", 300, 0.1)

        say("four clients send mail through all servers")
        for client in clients:
            client.start()
        send_more(100)
        say(f"{len(ledger.acknowledged)} messages taken")

        leader = cluster.databases.leader()
        moment = time.monotonic()
        leader.kill()
        say(f"{leader.name}, the database that was written to, is dead")
        send_more(1)
        say(f"the first message after it was taken {time.monotonic() - moment:.0f} s later; {cluster.databases.leader().name} is written to now")
        send_more(100)

        victim = cluster.nodes[-1]
        victim.kill()
        say(f"{victim.machine.name}, a server, is dead")
        send_more(100)
        say(f"{len(ledger.acknowledged)} messages taken")

        cluster.databases.revive(leader)
        victim.start()
        for client in clients:
            client.stop()
        for client in clients:
            client.join()
        say("both are back; the clients have stopped")
        wait_until(cluster.databases.whole, lambda: f"{leader.name} to join again: {cluster.databases.members()}", 120, 0.5)
        node = cluster.wait_queue_empty()
        taken, again, far = ledger.judge(mail_of_all(node, cluster.far), far_surplus=100)
        print(node.cli("node", "list"))
        print(node.cli("store", "status"))
        say(f"all {taken} messages that were taken have arrived; {again} are there once more, as their clients sent them again, "
            f"and {far} were delivered to the other server twice")
        if "--stay" in sys.argv:
            stay(cluster)
    return 0


def stay(cluster):
    node = cluster.nodes[0]
    print("The machines are network namespaces of this program. To look around from another terminal, as root:\n"
          f"  nsenter --target {node.process.pid} --all env PAQUEBOT_CONFIG={node.config} PATH=$PATH paquebot status\n"
          "Ctrl-C ends everything.", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    sys.exit(main())
