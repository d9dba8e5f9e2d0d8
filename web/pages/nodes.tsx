// Nodes: the servers that work on one database, what each does for all, and the copies of the database.
import { type ClusterNode, type StoreFacts, act, part } from "../api";
import { plural, size, span } from "../format";
import { useRefresh } from "../live";
import { type State, stateOfNode } from "../words";
import { only, useDanger } from "../ui/dialog";
import { type Asked, useAsk, useDoing } from "../ui/hooks";
import { Answer, Facts, Mark, Section, Sentence, Time, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { Head } from "../ui/shell";
import { say } from "../ui/toasts";
import type { PageProps } from "./page";

export function NodesPage(_: PageProps) {
  const nodes = useAsk<{ nodes: ClusterNode[] }>("/v1/nodes");
  const store = useAsk<StoreFacts>("/v1/store");
  const reload = (): void => {
    nodes.reload();
    store.reload();
  };
  useRefresh(reload, () => false, 5_000);
  return (
    <>
      <Head title="Nodes" side="the servers that work on this store" live />
      <Answer of={nodes} what="which servers there are">
        {(list) => <All of={list.nodes} store={store.data} done={reload} />}
      </Answer>
      <Store of={store} />
    </>
  );
}

function Summary({ of }: { of: readonly ClusterNode[] }) {
  const label = "The nodes in one sentence";
  const silent = of.find((one) => stateOfNode(one).is === "warning");
  const working = of.filter((one) => !one.drained && one !== silent);
  if (silent) {
    return (
      <Sentence
        small
        label={label}
        state={{ is: "warning", word: "Silent" }}
        main={
          <>
            <bdi>{silent.name}</bdi> has not said for {span(silent.silent_ms)} that it lives.
          </>
        }
        why="When it has not for ten seconds, another one takes its work over."
      />
    );
  }
  if (working.length === 0) {
    return (
      <Sentence
        small
        label={label}
        state={{ is: "bad", word: "Nobody works" }}
        main="Every server is drained: what waits is not delivered."
      />
    );
  }
  const state: State = { is: "good", word: "Good" };
  return <Sentence small label={label} state={state} main={`${plural(working.length, "server")} at work.`} />;
}

function All({
  of,
  store,
  done,
}: {
  of: readonly ClusterNode[];
  store: StoreFacts | undefined;
  done: () => void;
}) {
  const doing = useDoing();
  const danger = useDanger();
  const order = (one: ClusterNode, drained: boolean) => act("POST", `/v1/nodes/${part(one.name)}/drain`, { drained });
  const askToDrain = (one: ClusterNode): void =>
    danger.open({
      ask: only(1),
      title: () => `server hands its work over: ${one.name}`,
      body: (
        <>
          It begins no delivery and nothing else that others can do, and its health check fails, so that balancers send
          clients elsewhere. Sessions go on until they end. It stays so, also after a restart, until it is told to work
          again.
          {of.length === 1 ? " There is no other server: what waits is not delivered until then." : null}
        </>
      ),
      keep: "Let it work",
      go: () => `Drain ${one.name}`,
      run: () => order(one, true),
      done: () => {
        say(`Drained: ${one.name}.`);
        done();
      },
    });
  const letWork = (one: ClusterNode): void =>
    void doing.run(async () => {
      await order(one, false);
      say(`${one.name} works again.`);
      done();
    });
  const shared = store !== undefined && !store.kind.startsWith("SQLite");
  return (
    <>
      <Summary of={of} />
      <Trouble problem={doing.problem} />
      <Table
        caption="Nodes"
        rows={of}
        keyOf={(one) => String(one.epoch)}
        columns={[
          {
            head: "Node",
            cell: (one) => (
              <>
                <bdi>{one.name}</bdi>
                {one.own ? <span className="sub">answers you now</span> : null}
              </>
            ),
          },
          { head: "State", lead: true, cell: (one) => <Mark {...stateOfNode(one)} /> },
          { head: "Last sign of life", cell: (one) => (shared ? `${span(one.silent_ms)} ago` : "now") },
          { head: "Since", cell: (one) => <Time at={one.since} /> },
          { head: "Version", cell: (one) => <code>{one.version}</code> },
          {
            head: "Does for all",
            cell: (one) =>
              (store?.leases ?? [])
                .filter((lease) => lease.node === one.name)
                .map((lease) => lease.work)
                .join(", "),
          },
          {
            head: <span className="sr">What to do</span>,
            num: true,
            cell: (one) =>
              !shared ? null : one.drained ? (
                <button className="btn btn--small" type="button" onClick={() => letWork(one)}>
                  Let it work<span className="sr">: {one.name}</span>
                </button>
              ) : (
                <button className="btn btn--small btn--danger" type="button" onClick={() => askToDrain(one)}>
                  Drain it…<span className="sr">: {one.name}</span>
                </button>
              ),
          },
        ]}
      />
      {danger.dialog}
    </>
  );
}

function Store({ of }: { of: Asked<StoreFacts> }) {
  return (
    <Section title="The store">
      <Answer of={of} what="how the store is">
        {(store) => (
          <>
            <Facts
              of={[
                ["Kept in", store.kind],
                ["Size", size(store.size)],
                ["Waiting", plural(store.waiting, "recipient")],
                ["In hand", plural(store.in_hand, "recipient")],
                ["Held", plural(store.held, "recipient")],
                ["Due since", store.oldest_due ? <Time at={store.oldest_due} /> : null],
                ["Mailboxes in use", String(store.locks)],
              ]}
            />
            {store.copies.length > 0 ? (
              <Table
                caption="Copies of the database"
                rows={store.copies}
                keyOf={(one) => one.name}
                columns={[
                  { head: "Copy", cell: (one) => <bdi>{one.name}</bdi> },
                  {
                    head: "State",
                    lead: true,
                    cell: (one) => <Mark is={one.state === "streaming" ? "good" : "warning"} word={one.state} />,
                  },
                  { head: "Commits wait for it", cell: (one) => <bdi>{one.wait}</bdi> },
                  { head: "Behind", cell: (one) => (one.behind < 0 ? "not told" : size(one.behind)) },
                ]}
              />
            ) : null}
          </>
        )}
      </Answer>
    </Section>
  );
}
