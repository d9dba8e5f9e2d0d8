#include "cli/verbs.h"

namespace paquebot::cli {
namespace {

using Count = Positional::Count;

const Option kPasswordFile{"--password-file", "FILE",
                           "read the password from the first line of FILE (\"-\": standard input)"};
const Option kGenerate{"--generate", "", "make a random password and print it"};
const Option kYes{"--yes", "", "do not ask"};
const Option kLimit{"--limit", "N", "at most so many"};
const Option kQuiet{"--quiet", "", "no progress bar"};
const Positional kLogin{"LOGIN", "the account's address"};
const Positional kDomain{"DOMAIN", "its name"};
const Positional kOptionalDomain{"DOMAIN", "only this domain", Count::optional};
const Positional kWhich{"WHICH", "a message id, an address (sender or recipient), or a destination domain",
                        Count::optional};
const Option kAll{"--all", "", "everything in the queue"};

/// Options of the programs that connect to a server as a client.
std::vector<Option> client_options(std::vector<Option> more) {
  std::vector<Option> options{
      {"--server", "HOST[:PORT]", "the server; without it the one of this machine"},
      {"--user", "LOGIN", "log in as this account"},
      kPasswordFile,
      {"--tls", "MODE", "auto, starttls, implicit or none", false, "auto starttls implicit none"},
      {"--ca-file", "FILE", "trust these certificates (PEM) instead of the system's"},
      {"--insecure", "", "do not check the server's certificate"},
  };
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

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
      {"status", "Tell how the running server does.", "paquebot status\npaquebot status --json", {}, {}, status},
      {"reload", "Make the server read its configuration again; connections stay.", "paquebot reload", {}, {}, reload},
      {"clock confirm",
       "Say that the clock of this machine is right, when status tells that it is doubted: old mail expires again.",
       "paquebot clock confirm\npaquebot clock confirm --yes",
       {},
       {kYes},
       clock_confirm},
      {"version", "Print the version.", "paquebot version", {}, {}, version},
      {"completion",
       "Print a completion script for bash, zsh or fish.",
       "paquebot completion bash > /etc/bash_completion.d/paquebot\nsource <(paquebot completion zsh)",
       {{"SHELL", "bash, zsh or fish; or what the scripts ask for: accounts or domains, the names that there are",
         Count::one, "bash zsh fish"}},
       {},
       completion},
  };
}

std::vector<Verb> dns_verbs() {
  return {
      {"dns forget",
       "Forget that a resolver's DNSSEC signatures were good, so that it may do without them from now on.",
       "paquebot dns forget\npaquebot dns forget 192.0.2.53",
       {{"RESOLVER", "the address of the only one that is forgotten", Count::optional}},
       {},
       dns_forget},
  };
}

std::vector<Verb> store_verbs() {
  return {
      {"verify",
       "Check every invariant of the store: what is wrong, and what to do about it. Also while the server runs.",
       "paquebot verify\npaquebot verify --json",
       {},
       {kQuiet},
       verify},
      {"backup",
       "Write the whole store into one file, also while the server runs; read it again and check it.",
       "paquebot backup /var/backups/paquebot/$(date +%F).backup",
       {{"FILE",
         "a new file: in the data directory or a folder of server.backup_dirs, where the server's user may write"}},
       {kQuiet},
       backup},
      {"restore",
       "Make the data directory from a backup. The server must be down, and the directory without a store.",
       "paquebot restore /var/backups/paquebot/2026-11-23.backup",
       {{"FILE",
         "made by `paquebot backup`; with --force also the paquebot.db of a data directory that was moved away"}},
       {kQuiet, {"--force", "", "restore it with what is wrong in it; only damaged pages are refused"}},
       restore},
  };
}

std::vector<Verb> domain_verbs() {
  return {
      {"domain add",
       "Take mail for a domain.",
       "paquebot domain add example.org\npaquebot domain add example.net --alias-of example.org",
       {kDomain},
       {{"--alias-of", "DOMAIN", "every address of that domain of ours is one in the new one, too"}},
       domain_add},
      {"domain list", "List our domains and who owns them.", "paquebot domain list", {}, {}, domain_list},
      {"domain dns",
       "Print the DNS records of a domain, ready to paste into its zone: MX, SPF, DKIM and DMARC.",
       "paquebot domain dns example.org\npaquebot domain dns example.org --json",
       {kDomain},
       {},
       domain_dns},
      {"domain owner",
       "Say who gets a domain's mail for postmaster and abuse.",
       "paquebot domain owner example.org ann@example.org",
       {kDomain, kLogin},
       {},
       domain_owner},
      {"domain remove",
       "Take no more mail for a domain. It must have no accounts and aliases.",
       "paquebot domain remove example.org",
       {kDomain},
       {},
       domain_remove},
  };
}

std::vector<Verb> dkim_verbs() {
  return {
      {"dkim create",
       "Make keys for a domain that has none, and sign its mail with them. New domains get theirs at once.",
       "paquebot dkim create example.org",
       {kDomain},
       {},
       dkim_create},
      {"dkim list",
       "List the keys that sign our mail.",
       "paquebot dkim list\npaquebot dkim list example.org",
       {kOptionalDomain},
       {},
       dkim_list},
      {"dkim dns",
       "Print the DNS records of a domain's keys, ready to paste into its zone.",
       "paquebot dkim dns example.org",
       {kDomain},
       {},
       dkim_dns},
      {"dkim rotate",
       "Change keys: make new ones to be published, then (--activate) sign with them.",
       "paquebot dkim rotate example.org\npaquebot dkim rotate example.org --activate",
       {kDomain},
       {{"--activate", "", "sign with the new keys; the old ones are retired"},
        {"--force", "", "do not look first whether the new records are in the DNS"}},
       dkim_rotate},
      {"dkim retire",
       "Delete keys that were retired at least 7 days ago, or one key.",
       "paquebot dkim retire example.org\npaquebot dkim retire example.org pq20261123-rsa",
       {kDomain, {"SELECTOR", "only this key", Count::optional}},
       {{"--force", "", "although it was retired only now, or signs"}},
       dkim_retire},
  };
}

std::vector<Verb> alias_verbs() {
  return {
      {"alias add",
       "Let an address lead to other addresses, here or elsewhere, or to an account.",
       "paquebot alias add team@example.org ann@example.org bob@example.net\n"
       "paquebot alias add ann.smith@example.org --account ann@example.org\n"
       "paquebot alias add '*@example.org' --account ann@example.org   # everything else",
       {{"ADDRESS", "the alias; *@DOMAIN is for all addresses that do not exist"},
        {"TARGET", "where its mail goes", Count::any}},
       {{"--account", "LOGIN", "it is one more address of this account, which may send as it"},
        {"--senders", "WHO", "who may write to it, see alias senders; without it anyone", true}},
       alias_add},
      {"alias senders",
       "Say who may write to an alias. Only who has logged in is known to be a sender.",
       "paquebot alias senders staff@example.org domain\n"
       "paquebot alias senders board@example.org members boss@example.org\n"
       "paquebot alias senders board@example.org anyone",
       {{"ADDRESS", "the alias"},
        {"WHO", "anyone, domain (senders in its domain), members (its targets), addresses or domains", Count::some}},
       {},
       alias_senders},
      {"alias list",
       "List aliases.",
       "paquebot alias list\npaquebot alias list example.org",
       {kOptionalDomain},
       {},
       alias_list},
      {"alias remove",
       "Remove an alias, or one of its targets.",
       "paquebot alias remove team@example.org bob@example.net\npaquebot alias remove team@example.org",
       {{"ADDRESS", "the alias"}, {"TARGET", "only this target", Count::optional}},
       {},
       alias_remove},
  };
}

std::vector<Verb> account_verbs() {
  return {
      {"account add",
       "Make an account with its mailbox. Asks for the password.",
       "paquebot account add ann@example.org\npaquebot account add ann@example.org --generate --quota 2G",
       {kLogin},
       {{"--quota", "SIZE", "how much mail it may keep, like 500M or 2G; 0: any amount"},
        kPasswordFile,
        kGenerate,
        {"--no-password", "", "nobody can log in until it gets one"}},
       account_add},
      {"account list",
       "List accounts.",
       "paquebot account list\npaquebot account list example.org",
       {kOptionalDomain},
       {},
       account_list},
      {"account show", "Show one account.", "paquebot account show ann@example.org", {kLogin}, {}, account_show},
      {"account addresses",
       "List the addresses that lead straight to an account.",
       "paquebot account addresses ann@example.org",
       {kLogin},
       {},
       account_addresses},
      {"account passwd",
       "Give an account another password.",
       "paquebot account passwd ann@example.org",
       {kLogin},
       {kPasswordFile, kGenerate},
       account_passwd},
      {"account quota",
       "Say how much mail an account may keep.",
       "paquebot account quota ann@example.org 2G\npaquebot account quota ann@example.org unlimited",
       {kLogin, {"SIZE", "like 500M, 2G or unlimited"}},
       {},
       account_quota},
      {"account limit",
       "Show how much an account may send, or change it.",
       "paquebot account limit ann@example.org\n"
       "paquebot account limit ann@example.org messages_per_hour=1000 bytes_per_day=10G\n"
       "paquebot account limit ann@example.org recipients_per_day=none messages_per_hour=default",
       {kLogin, {"LIMIT", "NAME=VALUE: a number, none, or default for the general limit", Count::any}},
       {},
       account_limit},
      {"account disable",
       "Let an account not log in any more, and end its sessions. Its mail still comes in.",
       "paquebot account disable ann@example.org",
       {kLogin},
       {},
       account_disable},
      {"account enable",
       "Let a disabled account log in again.",
       "paquebot account enable ann@example.org",
       {kLogin},
       {},
       account_enable},
      {"account suspects",
       "List accounts that look taken over: what they send is held.",
       "paquebot account suspects",
       {},
       {},
       account_suspects},
      {"account hold",
       "Hold what an account sends, from now on and what waits, as if it looked taken over.",
       "paquebot account hold ann@example.org --reason \"her laptop was stolen\"",
       {kLogin},
       {{"--reason", "TEXT", "why, for the account's owner and the trail"}},
       account_hold},
      {"account release",
       "Let go what is held of an account that looked taken over; it sends as before.",
       "paquebot account passwd ann@example.org && paquebot account release ann@example.org --drop",
       {kLogin},
       {{"--drop", "", "throw the held mail away instead"}, kYes},
       account_release},
      {"account app-password",
       "Make (add), list or revoke passwords of an account that are for one program each. A new one is shown once.",
       "paquebot account app-password add ann@example.org phone\n"
       "paquebot account app-password list ann@example.org\n"
       "paquebot account app-password revoke ann@example.org phone",
       {{"ACTION", "add, list or revoke", Count::one, "add list revoke"},
        kLogin,
        {"LABEL", "what the app password is called", Count::optional}},
       {},
       account_app_password},
      {"account remove",
       "Remove an account and all its mail.",
       "paquebot account remove ann@example.org --yes",
       {kLogin},
       {kYes},
       account_remove},
  };
}

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
       queue_list},
      {"queue show",
       "Show one waiting message.",
       "paquebot queue show 01J9ZQ3V5W8XKD2M6N7P4R1STB",
       {{"ID", "the message's id"}},
       {},
       queue_show},
      {"queue retry",
       "Try again at once.",
       "paquebot queue retry 01J9ZQ3V5W8XKD2M6N7P4R1STB\npaquebot queue retry example.net",
       {kWhich},
       {kAll},
       queue_retry},
      {"queue hold",
       "Keep from being delivered until released.",
       "paquebot queue hold bob@example.net",
       {kWhich},
       {kAll},
       queue_hold},
      {"queue release", "Deliver what was held.", "paquebot queue release --all", {kWhich}, {kAll}, queue_release},
      {"queue cancel",
       "Drop from the queue, without a report to the sender.",
       "paquebot queue cancel 01J9ZQ3V5W8XKD2M6N7P4R1STB\npaquebot queue cancel --all --yes",
       {kWhich},
       {kAll, kYes},
       queue_cancel},
      {"destinations",
       "List the places that mail waits for, and what is wrong with each.",
       "paquebot destinations",
       {},
       {},
       destinations},
      {"trace",
       "Tell the whole trail of a message, or the messages of an address.",
       "paquebot trace 01J9ZQ3V5W8XKD2M6N7P4R1STB\npaquebot trace bob@example.net --limit 5",
       {{"ID", "a message id (as in the 250 reply), or an address"}},
       {kLimit},
       trace},
  };
}

std::vector<Verb> mail_verbs() {
  const Positional numbers{"NUMBER", "as `fetch list` shows them", Count::some};
  const Positional any_numbers{"NUMBER", "as `fetch list` shows them; none: all", Count::any};
  const Option remove{"--delete", "", "delete them from the mailbox afterwards"};
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
            {"--quiet", "", "no progress bar"}}),
       send},
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
      {"import accounts",
       "Make accounts from lines \"login:hash[:quota]\" with argon2id or crypt(3) hashes.",
       "paquebot import accounts accounts.txt",
       {{"FILE", "the list (\"-\": standard input)"}},
       {},
       import_accounts},
      {"import mail",
       "Copy a Maildir or mbox into an account's mailbox.",
       "paquebot import mail ann@example.org /home/ann/Maildir",
       {kLogin, {"PATH", "a Maildir folder or an mbox file"}},
       {{"--again", "", "take also what was imported into the account before"}, kQuiet},
       import_mail},
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
       block_add},
      {"block list", "List who is blocked, since when, until when and why.", "paquebot block list", {}, {}, block_list},
      {"block remove",
       "Take somebody off the block list.",
       "paquebot block remove .spam.example",
       {what},
       {},
       block_remove},
      {"allow add",
       "Ask a client nothing, or let a sender pass lists, names and greylisting, from now on.",
       "paquebot allow add 203.0.113.5 --reason \"our branch\"\npaquebot allow add news@shop.example --for 3d",
       {what},
       options,
       allow_add},
      {"allow list", "List who is allowed, since when, until when and why.", "paquebot allow list", {}, {}, allow_list},
      {"allow remove",
       "Take somebody off the allow list.",
       "paquebot allow remove 203.0.113.5",
       {what},
       {},
       allow_remove},
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
       report_dmarc},
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
      {"queue", "Mail that waits to be delivered"},
      {"fetch", "Read mail from a mailbox over POP3"},
      {"import", "Bring accounts and mail from another server"},
      {"message", "Messages in files"},
      {"block", "Whose mail we do not take"},
      {"allow", "Who is not asked for names and lists"},
      {"report", "What other servers tell us"},
      {"dns", "The resolvers that this server asks"},
      {"clock", "Whether this machine's clock is believed"},
  };
  return all;
}

std::span<const Verb> verbs() {
  static const std::vector<Verb> all = [] {
    std::vector<Verb> table;
    for (auto part : {server_verbs(), dns_verbs(), store_verbs(), domain_verbs(), dkim_verbs(), alias_verbs(),
                      account_verbs(), queue_verbs(), mail_verbs(), message_verbs(), list_verbs(), report_verbs()}) {
      table.insert(table.end(), part.begin(), part.end());
    }
    return table;
  }();
  return all;
}

} // namespace paquebot::cli
