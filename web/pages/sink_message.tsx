// One message of the sink: HTML, text, source, headers, attachments.
import { useEffect, useState } from "react";
import { type Problem, act, asProblem, getText } from "../api";
import { size } from "../format";
import { Link } from "../router";
import { useAsk, useDoing } from "../ui/hooks";
import { Answer, Copy, Empty, Facts, Time, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { say } from "../ui/toasts";
import { type SinkFile, type SinkMessage, people } from "./sink_api";

type Form = "html" | "text" | "source" | "headers" | "attachments";
const words: Record<Form, string> = {
  html: "HTML",
  text: "Text",
  source: "Source",
  headers: "Headers",
  attachments: "Attachments",
};

export function One({ base, id, gone, back }: { base: string; id: string; gone: () => void; back: string }) {
  const message = useAsk<SinkMessage>(`${base}/api/v1/message/${encodeURIComponent(id)}`);
  if (message.problem?.status === 404)
    return (
      <article>
        <Empty title="This message is gone.">
          It was deleted, or pushed out by newer ones. <Link href={back}>Back to the list</Link>
        </Empty>
      </article>
    );
  return (
    <article aria-label={message.data ? `The message ${message.data.Subject || "without a subject"}` : "The message"}>
      <Answer of={message} what="this message">
        {(data) => <Whole base={base} of={data} gone={gone} back={back} />}
      </Answer>
    </article>
  );
}

function Whole({ base, of, gone, back }: { base: string; of: SinkMessage; gone: () => void; back: string }) {
  const forms = (["html", "text", "source", "headers", "attachments"] as const).filter(
    (form) => form !== "html" || of.HTML,
  );
  const [form, setForm] = useState<Form>(of.HTML ? "html" : "text");
  const doing = useDoing();
  const files = [...(of.Attachments ?? []), ...(of.Inline ?? [])];
  const raw = `${base}/api/v1/message/${encodeURIComponent(of.ID)}/raw`;
  const remove = (): void =>
    void doing.run(async () => {
      await act("DELETE", `${base}/api/v1/messages`, { IDs: [of.ID] });
      say("Deleted: 1 message.");
      gone();
    });
  return (
    <>
      <div className="section__head">
        <h2>{of.Subject ? <bdi>{of.Subject}</bdi> : "(no subject)"}</h2>
        <p className="actions">
          <Link className="btn btn--small" href={back}>
            Back to the list
          </Link>
          <a className="btn btn--small" href={`${raw}?download=1`} download>
            Download
          </a>
          <button className="btn btn--small btn--danger" type="button" onClick={remove}>
            Delete
          </button>
        </p>
      </div>
      <Trouble problem={doing.problem} />
      <Facts
        of={[
          ["From", <bdi>{people(of.From ? [of.From] : [])}</bdi>],
          ["To", of.To?.length ? <bdi>{people(of.To)}</bdi> : null],
          ["Cc", of.Cc?.length ? <bdi>{people(of.Cc)}</bdi> : null],
          [
            "Envelope",
            of.Envelope ? (
              <bdi>
                {of.Envelope.From || "<>"} to {of.Envelope.To.join(", ")}
              </bdi>
            ) : null,
          ],
          [
            "Received",
            of.Received ? (
              <>
                <Time at={of.Received} seconds />, {size(of.Size)}, TLS {of.TLS || "none"}
              </>
            ) : (
              size(of.Size)
            ),
          ],
          [
            "Links",
            of.Links?.length ? (
              <>
                {of.Links.slice(0, 10).map((link, n) => (
                  <Copy key={n} text={link} what="the link" />
                ))}
                {of.Links.length > 10 ? `and ${of.Links.length - 10} more` : null}
              </>
            ) : null,
          ],
          [
            "Codes",
            of.Codes?.length
              ? of.Codes.slice(0, 5).map((code, n) => <Copy key={n} text={code} what="the code" />)
              : null,
          ],
        ]}
      />
      <div className="tabs" role="group" aria-label="Forms of the message">
        {forms.map((one) => (
          <button key={one} className="tab" type="button" aria-pressed={one === form} onClick={() => setForm(one)}>
            {words[one]}
            {one === "attachments" ? <span className="count"> {files.length}</span> : null}
          </button>
        ))}
      </div>
      {form === "html" ? <Html base={base} of={of} /> : null}
      {form === "text" ? (
        <pre className="letter" tabIndex={0} aria-label="The message as text">
          <bdi>{of.Text || "It has no text."}</bdi>
        </pre>
      ) : null}
      {form === "source" ? <Source path={raw} /> : null}
      {form === "headers" ? <Headers base={base} id={of.ID} /> : null}
      {form === "attachments" ? <Files base={base} id={of.ID} of={files} /> : null}
    </>
  );
}

function Html({ base, of }: { base: string; of: SinkMessage }) {
  const [pictures, setPictures] = useState(false);
  const remote = of.RemotePictures ?? 0;
  return (
    <>
      <iframe
        className="frame"
        sandbox=""
        src={`${base}/view/${encodeURIComponent(of.ID)}.html${pictures ? "?pictures=1" : ""}`}
        title="The message as HTML, without scripts"
        referrerPolicy="no-referrer"
      />
      <p className="more">
        Scripts are off.{" "}
        {remote > 0 && !pictures ? (
          <>
            {remote === 1 ? "1 picture from elsewhere was" : `${remote} pictures from elsewhere were`} not fetched.{" "}
            <button className="btn btn--small" type="button" onClick={() => setPictures(true)}>
              Show pictures
            </button>
          </>
        ) : null}
      </p>
    </>
  );
}

/** The most characters of a message's source that a page shows. */
const mostSource = 200_000;

function Source({ path }: { path: string }) {
  const [source, setSource] = useState<{ text: string; more: boolean }>();
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => {
    const giveUp = new AbortController();
    getText(path, mostSource, giveUp.signal).then(setSource, (error: unknown) => {
      if (!giveUp.signal.aborted) setProblem(asProblem(error));
    });
    return () => giveUp.abort();
  }, [path]);
  if (problem) return <Trouble problem={problem} title="Not shown" />;
  if (!source) return null;
  return (
    <>
      <pre className="letter" tabIndex={0} aria-label="The message as it came">
        <bdi>{source.text}</bdi>
      </pre>
      {source.more ? <p className="more">Only its beginning is shown; “Download” has all of it.</p> : null}
    </>
  );
}

function Headers({ base, id }: { base: string; id: string }) {
  const asked = useAsk<Record<string, string[]>>(`${base}/api/v1/message/${encodeURIComponent(id)}/headers`);
  return (
    <Answer of={asked} what="its headers">
      {(data) => (
        <Table
          caption="Headers"
          rows={Object.entries(data).flatMap(([name, values]) => values.map((value, n) => ({ name, value, n })))}
          keyOf={(one) => `${one.name} ${one.n}`}
          columns={[
            { head: "Name", cell: (one) => <bdi>{one.name}</bdi> },
            { head: "Value", cell: (one) => <bdi className="mono small">{one.value}</bdi> },
          ]}
        />
      )}
    </Answer>
  );
}

function Files({ base, id, of }: { base: string; id: string; of: readonly SinkFile[] }) {
  if (of.length === 0) return <Empty title="No attachments.">Files that come with a message are listed here.</Empty>;
  return (
    <Table
      caption="Attachments"
      rows={of}
      keyOf={(one) => one.PartID}
      columns={[
        {
          head: "Name",
          cell: (one) => (
            <a
              href={`${base}/api/v1/message/${encodeURIComponent(id)}/part/${encodeURIComponent(one.PartID)}`}
              download
            >
              <bdi>{one.FileName || "without a name"}</bdi>
            </a>
          ),
        },
        { head: "Kind", cell: (one) => <bdi>{one.ContentType}</bdi> },
        { head: "Size", num: true, cell: (one) => size(one.Size) },
      ]}
    />
  );
}
