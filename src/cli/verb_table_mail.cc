#include "cli/verb_table.h"

namespace paquebot::cli {

using Count = Positional::Count;

namespace {

/// Options of the programs that connect to a server as a client.
std::vector<Option> client_options(std::vector<Option> more,
                                   std::string_view server = "the server; without it the one of this machine") {
  std::vector<Option> options{
      {"--server", "HOST[:PORT]", server},
      {"--user", "LOGIN", "log in as this account"},
      kPasswordFile,
      {"--tls", "MODE", "auto, starttls, implicit or none", false, "auto starttls implicit none"},
      {"--ca-file", "FILE", "trust these certificates (PEM) instead of the system's"},
      {"--insecure", "", "do not check the server's certificate"},
  };
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

} // namespace

std::vector<Verb> queue_verbs() {
  return {
      {"queue list",
       "List what waits to be delivered.",
       "paquebot queue list\npaquebot queue list --held\npaquebot queue list --destination example.net",
       {},
       {{"--held", "", "only what is held"},
        {"--destination", "DOMAIN", "only to this destination"},
        {"--address", "ADDRESS", "only from or to this address"},
        {"--after", "ID", "go on after this message"},
        kLimit},
       queue_list,
       "queue.list"},
      {"queue show",
       "Show one waiting message.",
       "paquebot queue show 01J9ZQ3V5W8XKD2M6N7P4R1STB",
       {{"ID", "the message's id"}},
       {},
       queue_show,
       "queue.show"},
      {"queue why",
       "Tell what a waiting message waits for.",
       "paquebot queue why 01J9ZQ3V5W8XKD2M6N7P4R1STB",
       {{"ID", "the message's id"}},
       {},
       queue_why,
       "queue.why"},
  };
}

std::vector<Verb> queue_order_verbs() {
  return {
      {"queue retry",
       "Try again at once.",
       "paquebot queue retry 01J9ZQ3V5W8XKD2M6N7P4R1STB\npaquebot queue retry example.net",
       {kWhich},
       {kAll},
       queue_retry,
       "queue.retry"},
      {"queue hold",
       "Keep from being delivered until released.",
       "paquebot queue hold bob@example.net",
       {kWhich},
       {kAll},
       queue_hold,
       "queue.hold"},
      {"queue rebind",
       "Let what waits leave from another source, at once.",
       "paquebot queue rebind far.example --to mail2\npaquebot queue rebind --all --to none",
       {kWhich},
       {kAll, {"--to", "SOURCE", "its name; none: as without one"}},
       queue_rebind,
       "queue.rebind"},
      {"queue release",
       "Deliver what was held.",
       "paquebot queue release --all",
       {kWhich},
       {kAll},
       queue_release,
       "queue.release"},
      {"queue cancel",
       "Drop from the queue, without a report to the sender.",
       "paquebot queue cancel 01J9ZQ3V5W8XKD2M6N7P4R1STB\npaquebot queue cancel --all --yes",
       {kWhich},
       {kAll, kYes},
       queue_cancel,
       "queue.cancel"},
  };
}

std::vector<Verb> suspension_verbs() {
  return {
      {"queue suspend",
       "Hold what an account sends, or what goes to a domain, until a time or until it is resumed.",
       "paquebot queue suspend far.example --until 2027-01-01T08:00:00Z --reason \"they move their server\"\n"
       "paquebot queue suspend ann@example.org --reason \"a stolen laptop\"",
       {{"WHOSE", "an account, or a domain"}},
       {{"--until", "TIME", "as 2027-01-01T00:00:00Z; without it until it is resumed"}, {"--reason", "TEXT", "why"}},
       queue_suspend,
       "queue.suspend"},
      {"queue suspended",
       "List what is suspended: mail of accounts and to domains, and sites that pause.",
       "paquebot queue suspended",
       {},
       {},
       queue_suspended,
       "queue.suspended"},
      {"queue resume",
       "Let go what is suspended of an account, or to a domain.",
       "paquebot queue resume far.example",
       {{"WHOSE", "an account, or a domain"}},
       {},
       queue_resume,
       "queue.resume"},
  };
}

std::vector<Verb> site_verbs() {
  const Positional site{"SITE", "as site list tells it"};
  return {
      {"site list",
       "List hosts of others that share limits, what was learnt of these, and what waits.",
       "paquebot site list",
       {},
       {},
       site_list,
       "site.list"},
      {"site show",
       "Tell what is known of a site.",
       "paquebot site show mx:mx.far.example",
       {site},
       {},
       site_show,
       "site.show"},
      {"site pause",
       "Send nothing to a site for a while, or until it is resumed.",
       "paquebot site pause mx:mx.far.example\n"
       "paquebot site pause mx:mx.far.example --until 2027-01-01T00:00:00Z --reason \"asked by phone\"",
       {site},
       {{"--until", "TIME", "as 2027-01-01T00:00:00Z; without it until it is resumed"}, {"--reason", "TEXT", "why"}},
       site_pause,
       "site.pause"},
      {"site resume",
       "Send to a site again that pauses.",
       "paquebot site resume mx:mx.far.example",
       {site},
       {},
       site_resume,
       "site.resume"},
      {"site forget",
       "Forget what was learnt of a site.",
       "paquebot site forget mx:mx.far.example",
       {site},
       {},
       site_forget,
       "site.forget"},
  };
}

std::vector<Verb> provider_verbs() {
  const Positional provider{"PROVIDER", "its name, as provider list tells it"};
  return {
      {"provider list",
       "List who has many domains' mail, what may go there, and which rules are at work.",
       "paquebot provider list",
       {},
       {},
       provider_list,
       "provider.list"},
      {"provider show",
       "Tell what may go to a provider, its rules, and what they do now.",
       "paquebot provider show google",
       {provider},
       {},
       provider_show,
       "provider.show"},
      {"provider test",
       "Tell which rule a reply is for; nothing is done.",
       "paquebot provider test '421 4.7.28 unusual rate of unsolicited mail originating from your DKIM domain'",
       {{"REPLY", "as the provider would say it, such as '421 4.7.28 …'"}},
       {{"--provider", "NAME", "only the rules of that one"}},
       provider_test,
       "provider.test"},
      {"provider forget",
       "End what rules do to a provider now.",
       "paquebot provider forget google\npaquebot provider forget google --rule google-dkim-rate",
       {provider},
       {{"--rule", "NAME", "only what this rule does"}},
       provider_forget,
       "provider.forget"},
  };
}

std::vector<Verb> trail_verbs() {
  return {
      {"destinations",
       "List the places that mail waits for, and what is wrong with each.",
       "paquebot destinations",
       {},
       {},
       destinations,
       "destination.list"},
      {"trace",
       "Tell the whole trail of a message, or the messages of an address or with a Message-ID.",
       "paquebot trace 01J9ZQ3V5W8XKD2M6N7P4R1STB\npaquebot trace bob@example.net --limit 5\n"
       "paquebot trace '<17-abc@mail.example.net>'",
       {{"ID", "a message id (as in the 250 reply), an address, or a Message-ID in angle brackets"}},
       {kLimit},
       trace,
       "trail.find trail.show"},
  };
}

std::vector<Verb> send_verbs() {
  return {
      {"send",
       "Write a mail and hand it to a server. Without a text it is read from standard input.",
       "paquebot send --user ann@example.org --to bob@example.net --subject Hello --text 'How are you?'\n"
       "paquebot send --user ann@example.org --to bob@example.net --attach photo.jpg --attach plan.pdf < letter.txt",
       {},
       client_options(
           {{"--from", "ADDRESS", "who writes: \"Ann <ann@example.org>\"; without it the login"},
            {"--to", "ADDRESS", "to whom", true},
            {"--cc", "ADDRESS", "copy", true},
            {"--bcc", "ADDRESS", "copy that the others do not see", true},
            {"--subject", "TEXT", "the subject"},
            {"--text", "TEXT", "the text"},
            {"--text-file", "FILE", "the text from a file (\"-\": standard input)"},
            {"--html", "HTML", "the text as HTML"},
            {"--html-file", "FILE", "the same from a file"},
            {"--attach", "FILE", "attach a file", true},
            {"--header", "FIELD", "one more header field, \"Name: value\"", true},
            {"--priority", "N", "how urgent it is, from -9 to 9"},
            {"--hold-for", "TIME", "the server holds it for so long (90s, 15m, 2h, 3d) before it sends it on"},
            {"--hold-until", "TIME", "the server holds it until then: \"2026-12-24 08:00\", local time"},
            {"--deliver-by", "TIME", "return it when it isn't delivered within this time (15m, 2h, 3d)"},
            {"--require-tls", "", "it may travel only under TLS with checked certificates, all the way"},
            {"--as", "LOGIN", "hand it to the server of this machine by its API, as this account, without a password"},
            {"--quiet", "", "no progress bar"}}),
       send,
       "message.send"},
  };
}

std::vector<Verb> fetch_verbs() {
  const Positional numbers{"NUMBER", "as `fetch list` shows them", Count::some};
  const Positional any_numbers{"NUMBER", "as `fetch list` shows them; none: all", Count::any};
  const Option remove{"--delete", "", "delete them from the mailbox afterwards"};
  return {
      {"fetch list",
       "List the mail in a mailbox, over POP3.",
       "paquebot fetch list --user ann@example.org",
       {},
       client_options({{"--newest", "N", "only the last N"}}),
       fetch_list},
      {"fetch show",
       "Show mails: head, text, and what is attached.",
       "paquebot fetch show 3 --user ann@example.org",
       {numbers},
       client_options({remove}),
       fetch_show},
      {"fetch save",
       "Save mails and their attachments as files.",
       "paquebot fetch save --user ann@example.org --folder ~/mail --delete",
       {any_numbers},
       client_options({remove, {"--folder", "PATH", "where to; without it here"}}),
       fetch_save},
      {"fetch delete",
       "Delete mails from a mailbox.",
       "paquebot fetch delete 1 2 --user ann@example.org",
       {numbers},
       client_options({}),
       fetch_delete},
  };
}

std::vector<Verb> import_verbs() {
  const Option into{"--folder", "NAME", "into this mailbox instead of INBOX, and folders below it"};
  const Option again{"--again", "", "take also what was imported into the account before"};
  return {
      {"import accounts",
       "Make accounts from lines \"login:hash[:quota]\" with argon2id or crypt(3) hashes.",
       "paquebot import accounts accounts.txt",
       {{"FILE", "the list (\"-\": standard input)"}},
       {},
       import_accounts,
       "account.add"},
      {"import mail",
       "Copy a Maildir with its folders, or an mbox, into an account's mailboxes.",
       "paquebot import mail ann@example.org /home/ann/Maildir\n"
       "paquebot import mail ann@example.org lists.mbox --folder Lists",
       {kLogin, {"PATH", "a Maildir folder or an mbox file"}},
       {into, again, kQuiet},
       import_mail,
       "account.show import.known import.message import.folder upload.begin upload.append upload.drop"},
      {"import imap",
       "Copy all mailboxes of an account of another server, over IMAP.",
       "paquebot import imap ann@example.org --server imap.example.net --user ann",
       {kLogin},
       client_options({into, again, kQuiet}, "the other server"),
       import_imap_mail,
       "account.show import.known import.message import.folder upload.begin upload.append upload.drop"},
      {"export",
       "Copy the mail of an account, or of all accounts of a domain, into Maildirs or mbox files.",
       "paquebot export ann@example.org /backup/ann\npaquebot export example.org /backup/example.org --format mbox",
       {{"WHOSE", "the account's login, or a domain of ours"},
        {"PATH", "a new folder, or one that an export was begun in before"}},
       {{"--format", "FORMAT", "maildir (without it) or mbox", false, "maildir mbox"}, kQuiet},
       export_mail,
       "account.list export.folders export.messages export.content"},
  };
}

} // namespace paquebot::cli
