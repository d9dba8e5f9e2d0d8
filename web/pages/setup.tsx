// What programs are set up with, and QR codes.
import { type Server, get } from "../api";
import { path, qr } from "../qr";
import { useAsk, useDoing } from "../ui/hooks";
import { Answer, Copy, Empty, Section, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { base } from "./account_parts";

const securities = { implicit: "SSL/TLS", starttls: "STARTTLS", none: "none" };

export const uses: Record<string, string> = { smtp: "Sending (SMTP)", imap: "Reading (IMAP)", pop3: "Fetching (POP3)" };

/** The answers as lines of text. */
const asText = (servers: readonly Server[]): string =>
  servers
    .map(
      ({ protocol, host, port, tls, user }) =>
        `${protocol.toUpperCase()} ${host}:${port} ${securities[tls] ?? tls} ${user}`,
    )
    .join("\n");

export function Setup({ login }: { login: string }) {
  const asked = useAsk<{ servers: Server[] }>(`${base(login)}/setup`);
  const doing = useDoing();
  const download = (): void =>
    void doing.run(async () => {
      const { type, profile } = await get<{ type: string; profile: string }>(`${base(login)}/mobileconfig`);
      const address = URL.createObjectURL(new Blob([profile], { type }));
      const link = document.createElement("a");
      link.href = address;
      link.download = `${login}.mobileconfig`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
    });
  return (
    <Section
      id="programs"
      title="Set up a program"
      about="Most programs find all this from the address. If one asks, these are the answers."
    >
      <Answer of={asked} what="what to set in a program">
        {({ servers }) =>
          servers.length === 0 ? (
            <Empty title="Nobody can log in here.">No listener of this server takes mail programs.</Empty>
          ) : (
            <>
              <Table
                caption="What programs ask for"
                rows={servers}
                keyOf={(one) => `${one.protocol} ${one.port} ${one.tls}`}
                columns={[
                  { head: "For", cell: (one) => uses[one.protocol] ?? one.protocol },
                  { head: "Server", cell: (one) => <bdi>{one.host}</bdi> },
                  { head: "Port", num: true, cell: (one) => one.port },
                  { head: "Security", cell: (one) => securities[one.tls] ?? one.tls },
                  { head: "User name", cell: (one) => <bdi>{one.user}</bdi> },
                  { head: "Password", cell: () => "an app password" },
                ]}
              />
              <div className="form-row">
                <Copy text={servers[0]?.host ?? ""} what="the server's name" />
                <Copy text={servers[0]?.user ?? login} what="the user name" />
              </div>
              <details>
                <summary>For a phone&apos;s camera</summary>
                <Qr text={asText(servers)} label="The same as a QR code" />
                <p className="more">A phone reads these lines as text, to be copied.</p>
              </details>
            </>
          )
        }
      </Answer>
      <Trouble problem={doing.problem} what="a file for Mail of Apple" />
      <p className="actions">
        <button className="btn" type="button" onClick={download}>
          File for iPhone and Mac
        </button>
      </p>
    </Section>
  );
}

/** A QR code, always dark on white, for cameras. */
export function Qr({ text, label }: { text: string; label: string }) {
  const rows = qr(text);
  if (!rows) return null;
  const side = rows.length + 8;
  return (
    <svg className="qr" viewBox={`0 0 ${side} ${side}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <rect className="qr__page" width={side} height={side} />
      <path className="qr__ink" d={path(rows)} />
    </svg>
  );
}
