"""The judge of webhooks: each step that a trail tells of must have come to the receiver, at least once, in the order of its message."""

TOLD = {"accepted", "delivered", "expanded", "relayed", "deferred", "failed", "held", "released", "dropped", "returned"}
WORDS = {"accepted": "message.accepted", "returned": "message.bounced"}


def steps_of(trace):
    """(event, recipient) of each step, as a trail has them."""
    addresses = {one["index"]: one["address"] for one in trace["recipients"]}
    steps = []
    for event in trace["events"]:
        if event["kind"] not in TOLD:
            continue
        word = WORDS.get(event["kind"], "message." + event["kind"])
        if event["kind"] == "accepted" and trace["class"] == "incoming":
            steps += [("message.received", one["address"]) for one in trace["recipients"] if one["parent"] < 0]
            continue
        whom = [addresses[index] for index in event["recipients"]] or [""]
        steps += [(word, one) for _ in range(event["times"]) for one in whom]
    return steps


def check_hooks(traces, posts):
    """A line for each promise that was broken. `posts`: what the receiver has taken, in order."""
    problems, told, known = [], {}, {}
    for post in posts:
        if post.event == "gap":
            problems.append("the hook was told of a gap")
        if post.id in known:
            if known[post.id] != post.body:
                problems.append(f"event {post.id} came twice, and said something else: {known[post.id]!r}, {post.body!r}")
            continue
        known[post.id] = post.body
        if "message" in post.data:
            told.setdefault(post.data["message"], []).append((post.event, post.data.get("recipient", "")))
    for trace in traces:
        steps, came = steps_of(trace), told.pop(trace["id"], [])
        if steps != came:
            problems.append(f"message {trace['id']}: its trail has {steps}, the hook was told {came}")
    problems += [f"the hook was told of message {ident}, which is unknown: {came}" for ident, came in told.items()]
    return problems
