// Records for the DNS, as the forms of those who serve it ask for them: type, name, value.
import { type DnsRecord } from "../api";
import { Copy } from "./parts";

/** One record; its line for a zone file is `zone`. */
export function Record({ of }: { of: DnsRecord }) {
  return (
    <li className="record">
      <code className="record__type">{of.type}</code>
      {of.purpose ? (
        <p>
          <bdi>{of.purpose}</bdi>
        </p>
      ) : null}
      <dl>
        <dt>Name</dt>
        <dd>
          <Copy text={of.name} what={`the name of the ${of.type} record ${of.name}`} />
        </dd>
        <dt>Value</dt>
        <dd>
          <Copy text={of.value} what={`the value of the ${of.type} record ${of.name}`} />
        </dd>
      </dl>
    </li>
  );
}

export function Records({ of, label }: { of: readonly DnsRecord[]; label: string }) {
  return (
    <ul className="records" aria-label={label}>
      {of.map((one, n) => (
        <Record key={n} of={one} />
      ))}
    </ul>
  );
}

/** All of them, and beneath the same as lines of a zone file. */
export function Zone({ of, label }: { of: readonly DnsRecord[]; label: string }) {
  return (
    <div className="stack">
      <Records of={of} label={label} />
      <details>
        <summary>The same for a zone file</summary>
        <Copy text={of.map((one) => one.zone).join("\n")} what="all records, as lines of a zone file" />
      </details>
    </div>
  );
}
