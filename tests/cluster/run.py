#!/usr/bin/python3
"""make run-cluster: three servers and three databases on machines of their own; the database that is written to dies, and a server, and
every message arrives.

    run.py             shows it and ends
    run.py --stay      stays up until Ctrl-C, and tells how to reach it
    run.py --two       two databases and a witness: what stops when one is lost, and how it goes on
"""

import pathlib
import sys
import time

import machines
import page

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e")]


def main():
    if (code := machines.enter(sys.argv)) is not None:
        return code
    from cluster import Cluster
    from nodes import Client, Ledger, mail_of_all
    from server import wait_until

    say = machines.teller()

    if "--two" in sys.argv:
        return lose_one_of_two(say)
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
        print(cluster.databases.order("list"))
        follow_page(cluster, node)
        say(f"all {taken} messages that were taken have arrived; {again} are there once more, as their clients sent them again, "
            f"and {far} were delivered to the other server twice")
        if "--stay" in sys.argv:
            stay(cluster)
    return 0


def follow_page(cluster, node):
    """The commands of "One more node", at the server `node`."""
    here = node.machine.name
    for line in page.block("paquebot node list").splitlines():
        program, *words = page.words_of(line)
        if program == "systemctl":  # another one than that at which the others are run
            other = next(one for one in cluster.nodes if one is not node)
            assert words == ["stop", "paquebot"] and other.stop() == 0, line
            continue
        print(node.cli(*(here if word == "mx1" else word for word in words)))
    print(node.cli("node", "drain", here, "--end"))


def lose_one_of_two(say):
    """The form with two databases of docs/cluster.md."""
    from cluster import Cluster
    from nodes import Client, Ledger, mail_of_all
    from server import wait_until

    # As the page tells to go on without a copy; it asks back, which nobody here could answer.
    without, with_one = [page.words_of(text) for text in page.quoted() if text.startswith("patronictl") and "edit-config" in text]
    assert without[3:] == ["edit-config", "-s", "synchronous_mode=false"], without
    with Cluster(servers=2, databases=2, say=say) as cluster:
        databases, ledger = cluster.databases, Ledger()
        clients = [Client(number, cluster.nodes, ledger, pause=0.05) for number in range(3)]

        def send_more(count):
            wanted = len(ledger.acknowledged) + count
            wait_until(lambda: len(ledger.acknowledged) >= wanted, f"{count} more messages to be taken", 300, 0.1)

        def nothing_is_taken():
            """Once what was under way has ended: in ten seconds not a single message."""
            def still():
                before = len(ledger.acknowledged)
                time.sleep(10)
                return len(ledger.acknowledged) == before
            wait_until(still, "nothing to be taken without a copy", 60, 0)

        def go_on_without_a_copy():
            databases.order("edit-config", "--force", *without[-2:])
            send_more(20)

        def both_again(machine):
            databases.revive(machine)
            databases.order("edit-config", "--force", *with_one[-2:])
            wait_until(databases.whole, lambda: f"{machine.name} to join again: {databases.members()}", 150, 0.5)
            send_more(20)

        for client in clients:
            client.start()
        send_more(60)
        for victim, what in ((databases.standbys()[0], "the copy"), (databases.leader(), "the database that is written to")):
            victim.kill()
            say(f"{victim.name}, {what}, is dead")
            nothing_is_taken()
            say(f"nothing is taken; {len(ledger.acknowledged)} messages are safe on the other")
            go_on_without_a_copy()
            say("told to go on without a copy: mail is taken")
            both_again(victim)
            say(f"{victim.name} is back, and is waited for")
        for client in clients:
            client.stop()
        for client in clients:
            client.join()
        node = cluster.wait_queue_empty()
        taken, again, far = ledger.judge(mail_of_all(node, cluster.far), far_surplus=0)
        findings = node.json("verify")["findings"]
        if findings:
            raise AssertionError(f"verify: {findings[:10]}")
        say(f"all {taken} messages that were taken have arrived; {again} are there once more, as their clients sent them again; none elsewhere twice")
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
