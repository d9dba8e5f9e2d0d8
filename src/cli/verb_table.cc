#include "cli/verb_table.h"

namespace paquebot::cli {

using Count = Positional::Count;

namespace {

std::vector<Verb> server_verbs() {
  return {
      {"serve",
       "Run the server in the foreground until SIGTERM or SIGINT.",
       "paquebot serve\npaquebot serve --config ./paquebot.toml",
       {},
       {},
       serve},
      {"check",
       "Check the configuration file: what is wrong, where, and how to mend it.",
       "paquebot check\npaquebot check --print-defaults > paquebot.toml\npaquebot check --print-reference --json",
       {},
       {{"--print-defaults", "", "print a file with every key, its default and what it is for, instead"},
        {"--print-reference", "", "print what is told of every key (Markdown; with --json JSON), instead"}},
       check},
      {"status",
       "Tell how the running server does.",
       "paquebot status\npaquebot status --json",
       {},
       {},
       status,
       "status.show"},
      {"metrics",
       "Print the running server's numbers, as a monitor reads them (Prometheus).",
       "paquebot metrics\npaquebot metrics | grep queue",
       {},
       {},
       metrics,
       "metrics.show"},
  };
}

/// What is wrong with it, and what it is told then.
std::vector<Verb> care_verbs() {
  return {
      {"doctor",
       "Look for what is wrong with the server and its domains, or why a user can't send; tell what to do about it.",
       "paquebot doctor\npaquebot doctor example.org\npaquebot doctor ann@example.org --watch",
       {{"ABOUT",
         "a domain of ours, an account or its address, or a client's IP address; none: the server and all domains",
         Count::optional}},
       {{"--all", "", "show what is good, too"},
        {"--watch", "", "follow what the programs of an account try, live"},
        {"--for", "TIME", "with --watch: end after so long (90s, 15m)"},
        {"--tell", "", "begin the server's daily round now: what changed is logged and written to postmaster"}},
       doctor,
       "doctor.server doctor.round doctor.domain doctor.account doctor.client attempt.list address.resolve trail.find"},
      {"reload",
       "Make the server read its configuration again; connections stay.",
       "paquebot reload",
       {},
       {},
       reload,
       "server.reload"},
      {"clock confirm",
       "Say that the clock of this machine is right, when status tells that it is doubted: old mail expires again.",
       "paquebot clock confirm\npaquebot clock confirm --yes",
       {},
       {kYes},
       clock_confirm,
       "clock.confirm"},
      {"api",
       "Do any action of the API by its id, with its answer as JSON; without an id list them all.",
       "paquebot api\npaquebot api account.add --describe\npaquebot api account.list domain=example.org limit=10\n"
       "paquebot api alias.add address=team@example.org targets=ann@example.org,bob@example.org",
       {{"ID", "what is to be done, as `paquebot api` lists it", Count::optional},
        {"VALUE", "NAME=VALUE: what stands under that name in the path, the query or the request", Count::any}},
       {{"--describe", "", "tell what it takes and answers, and who may, instead"},
        {"--body", "FILE", "the request as it is (\"-\": standard input)"},
        {"--print-reference", "", "print what is told of every action (Markdown), instead"},
        {"--types", "", "print the types of all requests and answers (TypeScript), instead"}},
       api,
       "api.describe me.show domain.show alias.show address.resolve session.open session.link session.reset "
       "session.close second_factor.begin second_factor.confirm second_factor.end "
       "message.content"},
  };
}

std::vector<Verb> program_verbs() {
  return {
      {"version", "Print the version.", "paquebot version", {}, {}, version},
      {"completion",
       "Print a completion script for bash, zsh or fish.",
       "paquebot completion bash > /etc/bash_completion.d/paquebot\nsource <(paquebot completion zsh)",
       {{"SHELL", "bash, zsh or fish; or what the scripts ask for: accounts or domains, the names that there are",
         Count::one, "bash zsh fish"}},
       {},
       completion,
       "account.list domain.list"},
  };
}

std::vector<Verb> setup_verbs() {
  return {
      {"setup",
       "Set this server up for a first domain and account: configuration, keys, records for the DNS, the service.",
       "sudo paquebot setup ann@example.org\n"
       "paquebot setup ann@example.org --yes --hostname mx.example.org --password-file FILE --no-wait",
       {{"ADDRESS", "of the first account, at the first domain"}},
       {{"--hostname", "NAME",
         "of the server; without it mx. and the domain, or this machine's name if it is in the domain"},
        {"--address", "IP", "of the server, as others see it; without it the public ones of its interfaces", true},
        kGenerate,
        kPasswordFile,
        {"--smarthost", "HOST:PORT",
         "send all mail out through this server; without it that is asked where port 25 is blocked"},
        {"--smarthost-user", "NAME", "whom to log in as there"},
        {"--smarthost-password-file", "FILE", "with the password for it in the first line"},
        {"--resolver", "ADDRESS:PORT", "ask this name server, and write it into the configuration", true},
        {"--trust-anchor", "FILE",
         "with the DS records of a signed zone of your own, which is believed instead of the root's"},
        {"--agree-tos", "",
         "get a certificate: you agree to the terms of the authority (https://letsencrypt.org/repository/)"},
        {"--acme-directory", "URL", "of another authority"},
        {"--acme-ca-file", "FILE", "who vouches for its server"},
        {"--acme-allow", "NETWORK", "in which it may be although that is not of the public Internet", true},
        {"--yes", "", "ask nothing: take what is usual"},
        {"--no-start", "", "do not start the service"},
        {"--wait", "TIME", "for the records to be in the DNS, at most (90s, 15m, 2h); 30m without it"},
        {"--no-wait", "", "do not wait for them"}},
       setup},
  };
}

std::vector<Verb> dns_verbs() {
  return {
      {"dns forget",
       "Forget that a resolver's DNSSEC signatures were good, so that it may do without them from now on.",
       "paquebot dns forget\npaquebot dns forget 192.0.2.53",
       {{"RESOLVER", "the address of the only one that is forgotten", Count::optional}},
       {},
       dns_forget,
       "resolver.forget_all resolver.forget"},
  };
}

std::vector<Verb> tls_verbs() {
  const Positional name{"NAME", "the certificate's, such as the server's host name"};
  const Positional domain{"DOMAIN", "where mail would go"};
  return {
      {"tls status",
       "List the certificates that are ordered: until when they are good, what failed, their keys' TLSA records.",
       "paquebot tls status\npaquebot tls status --json",
       {},
       {},
       tls_status,
       "certificate.list"},
      {"tls explain",
       "Tell how mail to a domain would be protected now: DANE, MTA-STS, and what a connection to each host shows.",
       "paquebot tls explain example.net\npaquebot tls explain example.net --refresh",
       {domain},
       {{"--refresh", "", "fetch its policy of MTA-STS anew"}},
       tls_explain,
       "tls.explain"},
      {"tls renew",
       "Order a certificate anew now, whatever is waited for; its key stays.",
       "paquebot tls renew mx.example.org",
       {name},
       {},
       tls_renew,
       "certificate.renew"},
      {"tls rotate",
       "Change the key: the next one takes over once the TLSA records of both were seen for two times to live.",
       "paquebot tls rotate mx.example.org",
       {name},
       {},
       tls_rotate,
       "certificate.rotate"},
  };
}

std::vector<Verb> store_verbs() {
  return {
      {"verify",
       "Check every invariant of the store: what is wrong, and what to do about it. Also while the server runs.",
       "paquebot verify\npaquebot verify --json",
       {},
       {kQuiet},
       verify,
       "store.verify"},
      {"store status",
       "Tell how large the store is and what waits in it; of a database its nodes, what each does for all, and its "
       "copies.",
       "paquebot store status\npaquebot store status --json",
       {},
       {},
       store_status,
       "store.show node.list"},
      {"store copy",
       "Copy a store that no server uses into an empty one of another kind, and check it there.",
       "paquebot store copy /var/lib/paquebot postgresql://paquebot@db.example.org/mail\n"
       "paquebot store copy postgresql://paquebot@db.example.org/mail /var/lib/paquebot-new",
       {{"FROM", "a data directory, or the address of a PostgreSQL database"},
        {"TO", "the same; it has no store yet, or a copy that was broken off, which is begun anew"}},
       {{"--keep", "", "let servers go on with FROM: for a trial"}, kQuiet},
       store_copy},
      {"node list",
       "List the servers that work on this store.",
       "paquebot node list\npaquebot node list --json",
       {},
       {},
       node_list,
       "node.list"},
      {"node drain",
       "Let a server of several hand its work to the others, before it is stopped.",
       "paquebot node drain mx1\npaquebot node drain mx1 --end",
       {{"NODE", "its name, as `paquebot node list` shows it"}},
       {{"--end", "", "let it work again"}},
       node_drain,
       "node.drain"},
      {"backup",
       "Write the whole store into one file, also while the server runs; read it again and check it.",
       "paquebot backup /var/backups/paquebot/$(date +%F).backup",
       {{"FILE",
         "a new file: in the data directory or a folder of server.backup_dirs, where the server's user may write"}},
       {kQuiet},
       backup,
       "backup.begin backup.go_on"},
      {"restore",
       "Make the data directory from a backup. The server must be down, and the directory without a store.",
       "paquebot restore /var/backups/paquebot/2026-11-23.backup",
       {{"FILE",
         "made by `paquebot backup`; with --force also the paquebot.db of a data directory that was moved away"}},
       {kQuiet, {"--force", "", "restore it with what is wrong in it; only damaged pages are refused"}},
       restore},
  };
}

std::vector<Verb> search_verbs() {
  return {
      {"search status",
       "Tell how the index for searches does: how many messages it knows, and how many it is behind.",
       "paquebot search status\npaquebot search status --json",
       {},
       {},
       search_status,
       "search.show"},
      {"search rebuild",
       "Make the index for searches anew, by the running server or without one; what is searched is found meanwhile.",
       "paquebot search rebuild\npaquebot search rebuild --no-wait",
       {},
       {{"--no-wait", "", "leave it to the running server"}, kQuiet},
       search_rebuild,
       "search.rebuild search.go_on"},
  };
}

std::vector<Verb> list_verbs() {
  const Positional what{"WHAT",
                        "an IP address or network, a sender's address or domain, or \".domain\": it and all below"};
  const std::vector<Option> options{{"--reason", "WORDS", "why: for the list, the log, and who is refused"},
                                    {"--for", "TIME", "only for so long (90s, 15m, 2h, 3d)"}};
  return {
      {"block add",
       "Take no mail from somebody, from now on; what is listed here goes before [guard] of the configuration.",
       "paquebot block add 198.51.100.0/24 --for 2h --reason \"flood of spam\"\npaquebot block add .spam.example",
       {what},
       options,
       block_add,
       "list.add"},
      {"block list",
       "List who is blocked, since when, until when and why.",
       "paquebot block list",
       {},
       {},
       block_list,
       "list.show"},
      {"block remove",
       "Take somebody off the block list.",
       "paquebot block remove .spam.example",
       {what},
       {},
       block_remove,
       "list.remove"},
      {"allow add",
       "Ask a client nothing, or let a sender pass lists, names and greylisting, from now on.",
       "paquebot allow add 203.0.113.5 --reason \"our branch\"\npaquebot allow add news@shop.example --for 3d",
       {what},
       options,
       allow_add,
       "list.add"},
      {"allow list",
       "List who is allowed, since when, until when and why.",
       "paquebot allow list",
       {},
       {},
       allow_list,
       "list.show"},
      {"allow remove",
       "Take somebody off the allow list.",
       "paquebot allow remove 203.0.113.5",
       {what},
       {},
       allow_remove,
       "list.remove"},
  };
}

} // namespace

std::vector<Verb> report_verbs() {
  return {
      {"report dmarc",
       "Read the DMARC reports that others sent us: who sends mail in the name of our domains, what fails, what to do.",
       "paquebot report dmarc\npaquebot report dmarc --days 30 --domain example.org --address dmarc@example.org",
       {},
       {{"--days", "N", "reports that came within so many days; 7 without it"},
        {"--domain", "DOMAIN", "only about this domain"},
        {"--address", "ADDRESS", "where they come in; without it postmaster of each of our domains"}},
       report_dmarc,
       "report.dmarc domain.list"},
      {"report tls",
       "Read the reports on TLS that others sent us: whether they reached our mail hosts under TLS, and what failed.",
       "paquebot report tls\npaquebot report tls --days 30 --domain example.org --address tls@example.org",
       {},
       {{"--days", "N", "reports that came within so many days; 7 without it"},
        {"--domain", "DOMAIN", "only about this domain"},
        {"--address", "ADDRESS", "where they come in; without it postmaster of each of our domains"}},
       report_tls,
       "report.dmarc domain.list"},
  };
}

std::vector<Verb> message_verbs() {
  return {
      {"message check",
       "Tell what SPF, DKIM, DMARC and ARC say of stored messages, and what the server would do: why was it refused?",
       "paquebot message check --ip 192.0.2.7 --helo mx.example.net --mail-from bob@example.net letter.eml\n"
       "paquebot message check --list many.txt --json",
       {{"FILE", "a message as it was sent (\"-\" or none: standard input)", Count::any}},
       {{"--ip", "ADDRESS", "of the server that sent it; without it nothing is known of SPF"},
        {"--helo", "NAME", "what it said at EHLO"},
        {"--mail-from", "ADDRESS", "the return address; without it the null one"},
        {"--list", "FILE", "lines of IP, HELO, sender and file, with tabs between; no file: SPF alone"},
        {"--resolver", "ADDRESS:PORT", "ask this name server, and believe it"}},
       message_check},
  };
}

std::span<const Group> groups() {
  static const std::vector<Group> all{
      {"domain", "Domains that we take mail for"},
      {"dkim", "Keys that sign what our domains send"},
      {"account", "Accounts: who can log in and has a mailbox"},
      {"alias", "Addresses that lead to other addresses"},
      {"right", "Who looks after domains, or after the whole server"},
      {"token", "What programs ask the API with"},
      {"hook", "URLs that are told what happens"},
      {"search", "The index that searches of mail are quick by"},
      {"queue", "Mail that waits to be delivered"},
      {"fetch", "Read mail from a mailbox over POP3"},
      {"import", "Bring accounts and mail from another server"},
      {"message", "Messages in files"},
      {"block", "Whose mail we do not take"},
      {"allow", "Who is not asked for names and lists"},
      {"report", "What other servers tell us"},
      {"tls", "How mail to a domain is protected; certificates that are ordered"},
      {"dns", "The resolvers that this server asks"},
      {"clock", "Whether this machine's clock is believed"},
  };
  return all;
}

std::span<const Verb> verbs() {
  static const std::vector<Verb> all = [] {
    std::vector<Verb> table;
    for (auto part :
         {setup_verbs(),      server_verbs(),      care_verbs(),        program_verbs(),        tls_verbs(),
          dns_verbs(),        store_verbs(),       search_verbs(),      domain_verbs(),         dkim_verbs(),
          alias_verbs(),      account_verbs(),     account_use_verbs(), account_access_verbs(), right_verbs(),
          hook_verbs(),       suppression_verbs(), console_verbs(),     queue_verbs(),          queue_order_verbs(),
          suspension_verbs(), site_verbs(),        provider_verbs(),    trail_verbs(),          send_verbs(),
          fetch_verbs(),      import_verbs(),      message_verbs(),     list_verbs(),           report_verbs(),
          sink_verbs()}) {
      table.insert(table.end(), part.begin(), part.end());
    }
    return table;
  }();
  return all;
}

} // namespace paquebot::cli
