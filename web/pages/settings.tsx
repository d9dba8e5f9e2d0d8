// Settings, read-only, with the line in the file.
import { useState } from "react";
import { type Setting, act } from "../api";
import { plural } from "../format";
import { useDoing, usePages } from "../ui/hooks";
import { Empty, Loading, Mark, Pager, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { Head } from "../ui/shell";
import { say } from "../ui/toasts";
import type { PageProps } from "./page";

/** What stands in backticks is code. */
function Coded({ text }: { text: string }) {
  return <>{text.split("`").map((part, at) => (at % 2 ? <code key={at}>{part}</code> : part))}</>;
}

export function SettingsPage(_: PageProps) {
  const pages = usePages<Setting>("/v1/settings", "settings", {}, 1000);
  const [sought, setSought] = useState("");
  const [own, setOwn] = useState(true);
  const doing = useDoing();
  const reload = (): void =>
    void doing.run(async () => {
      const { restart, warnings } = await act<{ restart: string[]; warnings: string[] }>("POST", "/v1/reload");
      say(
        restart.length
          ? `Read again. Only after a restart: ${restart.join(", ")}.`
          : warnings.length
            ? `Read again, with ${plural(warnings.length, "warning")}: ${warnings[0]}`
            : "Read again: the file is in force.",
      );
      pages.reload();
    });
  const word = sought.trim().toLowerCase();
  const rows = (pages.items ?? []).filter(
    (one) =>
      (!own || one.line > 0 || word) &&
      (!word || one.key.toLowerCase().includes(word) || one.text.toLowerCase().includes(word)),
  );
  return (
    <>
      <Head title="Settings" side="as they are in force">
        <p className="actions">
          <button className="btn btn--small" type="button" onClick={reload}>
            Read the file again
          </button>
        </p>
      </Head>
      <Trouble problem={doing.problem} title="Not read; nothing changed" />
      <p className="about small quiet">
        They are changed in the file, then “Read the file again” puts them into force. When the file is wrong, nothing
        changes.
      </p>
      <form className="search" role="search" onSubmit={(event) => event.preventDefault()}>
        <div className="search__row">
          <label className="sr" htmlFor="key">
            Find a setting
          </label>
          <input
            className="input"
            id="key"
            type="search"
            placeholder="Find a setting"
            value={sought}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setSought(event.target.value)}
          />
          <button className="btn nowrap" type="button" aria-pressed={own} onClick={() => setOwn(!own)}>
            Only those in the file
          </button>
        </div>
      </form>
      {pages.problem && !pages.items ? (
        <Trouble problem={pages.problem} what="its settings" again={pages.reload} />
      ) : null}
      {!pages.items ? (
        pages.slow ? (
          <Loading what="the settings" />
        ) : null
      ) : rows.length === 0 ? (
        <Empty title="No such setting.">
          {word ? "docs/configuration.md lists all." : "Nothing is set in the file: all is as it comes."}
        </Empty>
      ) : (
        <Table
          caption="Settings"
          rows={rows}
          keyOf={(one) => one.key}
          columns={[
            {
              head: "Setting",
              cell: (one) => (
                <>
                  <code>{one.key}</code>
                  {one.text ? (
                    <span className="sub">
                      <Coded text={one.text} />
                    </span>
                  ) : null}
                </>
              ),
            },
            { head: "Value", cell: (one) => <code>{one.value}</code> },
            {
              head: "Without it",
              cell: (one) =>
                one.value === one.default ? null : (
                  <span className="quiet small">
                    <Coded text={one.default} />
                  </span>
                ),
            },
            { head: "In the file", cell: (one) => (one.line > 0 ? `line ${one.line}` : "not there") },
            { head: "A change", cell: (one) => (one.restart ? <Mark is="note" word="wants a restart" /> : "is read") },
          ]}
        />
      )}
      <Pager of={pages} name="the settings" />
    </>
  );
}
