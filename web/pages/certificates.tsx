// Certificates: those that are ordered, with their keys and TLSA records, and those that files give.
import { type Certificate, type Today, act, part, serverNow } from "../api";
import { plural, span } from "../format";
import { useRefresh } from "../live";
import { type State, stateOfCertificate, worstCertificate } from "../words";
import { useAsk, useDoing } from "../ui/hooks";
import { Answer, Empty, Facts, Mark, Said, Section, Sentence, Time, Trouble } from "../ui/parts";
import { Records } from "../ui/records";
import { Table } from "../ui/table";
import { Head } from "../ui/shell";
import { say } from "../ui/toasts";
import type { PageProps } from "./page";

type Shown = Today["certificates"][number];

export function CertificatesPage(_: PageProps) {
  const ordered = useAsk<{ certificates: Certificate[] }>("/v1/certificates");
  const today = useAsk<Today>("/v1/today");
  const reload = (): void => {
    ordered.reload();
    today.reload();
  };
  useRefresh(reload, (name) => name.startsWith("certificate."), 60_000);
  const list = ordered.data?.certificates ?? [];
  const files = (today.data?.certificates ?? []).filter((one) => !list.some((other) => other.name === one.name));
  return (
    <>
      <Head title="Certificates" live />
      <Answer of={ordered} what="which certificates are ordered">
        {() => (
          <>
            {today.data || list.length > 0 ? <Summary ordered={list} files={files} /> : null}
            {list.map((one) => (
              <One key={one.name} of={one} done={reload} />
            ))}
          </>
        )}
      </Answer>
      {files.length > 0 ? <FromFiles of={files} /> : null}
    </>
  );
}

/** What a certificate from a file is like: nobody renews it here. */
function stateOfFile(one: Shown): State {
  const left = one.not_after ? Date.parse(one.not_after) - serverNow().getTime() : undefined;
  if (left !== undefined && left <= 0) return { is: "bad", word: "expired" };
  return one.problems.length > 0 ? { is: "warning", word: "warning" } : { is: "good", word: "good" };
}

function Summary({ ordered, files }: { ordered: readonly Certificate[]; files: readonly Shown[] }) {
  const now = serverNow();
  const label = "The certificates in one sentence";
  const worst = worstCertificate(ordered);
  const file = files.find((one) => stateOfFile(one).is !== "good");
  if (worst && stateOfCertificate(worst.state).is === "bad") {
    return (
      <Sentence
        small
        label={label}
        state={{ is: "bad", word: worst.state === "expired" ? "Expired" : "Failing" }}
        main={
          <>
            {worst.state === "expired" ? "The certificate of " : "No certificate could be had for "}
            <bdi>{worst.name}</bdi>
            {worst.state === "expired" ? " has expired: others can't check who we are." : "."}
          </>
        }
        why={worst.error ? <Said inline>{worst.error}</Said> : null}
      />
    );
  }
  if (file) {
    const is = stateOfFile(file);
    return (
      <Sentence
        small
        label={label}
        state={{ is: is.is, word: is.is === "bad" ? "Expired" : "Warning" }}
        main={
          <>
            The certificate of <bdi>{file.name}</bdi>, from a file, has to be replaced.
          </>
        }
        why={<bdi>{file.problems.join(" ")}</bdi>}
      />
    );
  }
  if (worst && worst.state !== "valid") {
    const late = worst.state === "late";
    return (
      <Sentence
        small
        label={label}
        state={{ is: stateOfCertificate(worst.state).is, word: late ? "Late" : "Waiting" }}
        main={
          late ? (
            <>
              The certificate of <bdi>{worst.name}</bdi> should have been renewed; it still works for{" "}
              {span(Date.parse(worst.not_after ?? "") - now.getTime())}.
            </>
          ) : (
            <>
              The first certificate of <bdi>{worst.name}</bdi> is on its way.
            </>
          )
        }
        why={worst.error ? <Said inline>{worst.error}</Said> : null}
      />
    );
  }
  if (ordered.length + files.length === 0) {
    return (
      <Empty title="No certificate is ordered, and none is from a file.">
        This server orders one for its own name with <code>[acme]</code> in its configuration, once that name leads here
        and port 80 or 443 is open.
      </Empty>
    );
  }
  return (
    <Sentence
      small
      label={label}
      state={{ is: "good", word: "Good" }}
      main={ordered.length > 0 ? "Every certificate is good, and is renewed by itself." : "Every certificate is good."}
    />
  );
}

function One({ of, done }: { of: Certificate; done: () => void }) {
  const doing = useDoing();
  const now = serverNow();
  const give = (order: "renew" | "rotate", words: string): void =>
    void doing.run(async () => {
      await act("POST", `/v1/certificates/${part(of.name)}/${order}`);
      say(words);
      done();
    });
  const left = of.not_after ? Date.parse(of.not_after) - now.getTime() : 0;
  const records = of.keys.flatMap((key) => (key.record ? [key.record] : []));
  return (
    <Section
      title={<bdi>{of.name}</bdi>}
      side={
        <p className="actions">
          <button
            className="btn btn--small"
            type="button"
            onClick={() => give("renew", `Ordered: a certificate for ${of.name}. Its key stays.`)}
          >
            Renew it now<span className="sr">: {of.name}</span>
          </button>
          {of.rotation_wanted ? null : (
            <button
              className="btn btn--small"
              type="button"
              onClick={() =>
                give(
                  "rotate",
                  `The next key of ${of.name} takes over once the records of both have been seen long enough.`,
                )
              }
            >
              Change its key<span className="sr">: {of.name}</span>
            </button>
          )}
        </p>
      }
    >
      <Trouble problem={doing.problem} />
      <Facts
        of={[
          ["State", <Mark {...stateOfCertificate(of.state)} />],
          [
            "Works until",
            of.not_after ? (
              <>
                <Time at={of.not_after} />
                {left > 0 ? `, for ${span(left)}` : ""}
              </>
            ) : null,
          ],
          ["Issued", of.issued ? <Time at={of.issued} /> : null],
          ["By", of.authority ? <bdi>{of.authority}</bdi> : null],
          ["Renewed", of.renew_at ? <Time at={of.renew_at} /> : null],
          ["Order", of.ordered ? <Mark is="moving" word="under way" /> : null],
          [
            "Last failure",
            of.error ? (
              <>
                <Said inline>{of.error}</Said>{" "}
                {of.failures > 0 ? `${plural(of.failures, "order")} failed in a row. ` : null}
                {of.again_at ? (
                  <>
                    Not ordered again before <Time at={of.again_at} />.
                  </>
                ) : null}
              </>
            ) : null,
          ],
          [
            "Change of key",
            !of.rotation_wanted ? null : of.rotates_at ? (
              <>
                <Mark is="waiting" word="wanted" /> not before <Time at={of.rotates_at} />, when the records of both
                keys have been seen long enough
              </>
            ) : (
              <>
                <Mark is="waiting" word="wanted" /> once the records of both keys, below, are seen in the DNS
              </>
            ),
          ],
        ]}
      />
      {of.keys.length > 0 ? (
        <Table
          caption={`Keys of ${of.name}`}
          rows={of.keys}
          keyOf={(one) => one.state}
          columns={[
            {
              head: "Key",
              cell: (one) => (one.state === "active" ? "in force" : "next"),
            },
            { head: "Made", cell: (one) => <Time at={one.created} /> },
            { head: "SHA-256 of it", cell: (one) => <code className="small">{one.digest}</code> },
          ]}
        />
      ) : null}
      {records.length > 0 ? (
        <>
          <h3>TLSA records, so that others know the keys (DANE)</h3>
          <p className="small quiet">
            Keep the records of both keys in the DNS: the next one can take over at any time then.
          </p>
          <Records of={records} label={`TLSA records of ${of.name}`} />
        </>
      ) : of.signed_zone ? null : (
        <p className="more">
          Its zone is not signed (DNSSEC), as far as seen from here, so TLSA records would be worth nothing.
        </p>
      )}
    </Section>
  );
}

function FromFiles({ of }: { of: readonly Shown[] }) {
  return (
    <Section title="From files" about="The configuration names them; whoever writes those files renews them.">
      <Table
        caption="Certificates from files"
        rows={of}
        keyOf={(one) => one.name}
        columns={[
          { head: "Name", cell: (one) => <bdi>{one.name}</bdi> },
          { head: "State", lead: true, cell: (one) => <Mark {...stateOfFile(one)} /> },
          { head: "Works until", cell: (one) => <Time at={one.not_after} /> },
          { head: "What is wrong", cell: (one) => (one.problems.length ? <bdi>{one.problems.join(" ")}</bdi> : null) },
        ]}
      />
    </Section>
  );
}
