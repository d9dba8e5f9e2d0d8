// What is in a message, for whose it is. Its HTML has a URL of its own and runs in a sandbox.
import { useState } from "react";
import type { Content as MessageContent } from "../api";
import { size } from "../format";
import { useAsk } from "../ui/hooks";
import { Facts, Trouble } from "../ui/parts";

export function Content({ id }: { id: string }) {
  const [open, setOpen] = useState(false);
  const [form, setForm] = useState<"text" | "html">("html");
  const [pictures, setPictures] = useState(false);
  const read = useAsk<MessageContent>(open ? `/v1/messages/${encodeURIComponent(id)}/content` : null);
  if (!open)
    return (
      <p className="actions">
        <button className="btn" type="button" onClick={() => setOpen(true)}>
          Read it
        </button>
      </p>
    );
  if (read.problem) {
    return read.problem.status === 404 || read.problem.status === 403 ? (
      <p className="more">Only who got it or sent it may read it, and only while it is here.</p>
    ) : (
      <Trouble problem={read.problem} what="what is in a message" again={read.reload} />
    );
  }
  if (!read.data) return null;
  const html = read.data.html === true && (form === "html" || !read.data.text);
  const address = `/console/message/${encodeURIComponent(id)}/html${pictures ? "?pictures=1" : ""}`;
  const { from, to, cc, subject, date } = read.data;
  const words = (text: string | undefined) => (text ? <bdi>{text}</bdi> : null);
  return (
    <div className="stack content">
      <Facts
        of={[
          ["From", words(from)],
          ["To", words(to)],
          ["Cc", words(cc)],
          ["Subject", words(subject)],
          ["Date", words(date)],
        ]}
      />
      {read.data.html && read.data.text ? (
        <p className="actions">
          <button className="btn btn--small" type="button" aria-pressed={!html} onClick={() => setForm("text")}>
            Text
          </button>
          <button className="btn btn--small" type="button" aria-pressed={html} onClick={() => setForm("html")}>
            HTML
          </button>
        </p>
      ) : null}
      {html ? (
        <>
          <iframe
            className="frame"
            sandbox=""
            src={address}
            title="The message as HTML, without scripts"
            referrerPolicy="no-referrer"
          />
          <p className="more">
            Scripts are off.{" "}
            {pictures ? (
              "Pictures from elsewhere are fetched, which their senders may notice."
            ) : (
              <>
                Pictures from elsewhere are not fetched.{" "}
                <button className="btn btn--small" type="button" onClick={() => setPictures(true)}>
                  Show pictures
                </button>
              </>
            )}
          </p>
        </>
      ) : (
        <pre className="letter" tabIndex={0} aria-label="The message as text">
          <bdi>{read.data.text || "It has no text."}</bdi>
        </pre>
      )}
      {read.data.cut && !html ? <p className="more">Only its beginning is shown.</p> : null}
      {read.data.attachments?.length ? (
        <ul className="small" aria-label="Attachments">
          {read.data.attachments.map((one, at) => (
            <li key={at}>
              <a href={`/console/message/${encodeURIComponent(id)}/part/${encodeURIComponent(one.part)}`} download>
                <bdi>{one.name || "without a name"}</bdi>
              </a>{" "}
              <span className="quiet">
                <bdi>{one.type}</bdi>, {size(one.octets)}
              </span>
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
