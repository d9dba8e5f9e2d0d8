#include "base/text.h"
#include "base/units.h"
#include "cli/verb_table.h"

namespace paquebot::cli {

std::vector<Verb> sink_verbs() {
  return {
      {"sink",
       "Take all mail and send none on, for developers' tests: SMTP, POP3, a page and an API; no configuration.",
       "paquebot sink\npaquebot sink --smtp 2525 --http unix:/run/sink.sock --pop3 none\n"
       "paquebot sink --faults faults.json --seed 7",
       {},
       {{"--smtp", "ADDRESS", "PORT, ADDRESS:PORT, unix:PATH or none; without it 1025 of this machine alone", true},
        {"--http", "ADDRESS", "the page and the API, likewise; without it 8025", true},
        {"--pop3", "ADDRESS", "likewise; without it 1110", true},
        {"--host", "NAME", "the page may be asked under this name, too, not only as localhost or an address", true},
        {"--faults", "FILE", "what goes wrong on purpose (JSON, as the API tells it)"},
        {"--seed", "N", "of what goes wrong by chance: the same one gives the same faults"},
        {"--memory", "SIZE", "of all messages together; the oldest go first; without it 256 MiB"}},
       sink},
  };
}

int sink(Session& session, const Arguments& arguments) {
  SinkOptions options;
  options.smtp = arguments.list("--smtp");
  options.http = arguments.list("--http");
  options.pop3 = arguments.list("--pop3");
  options.hosts = arguments.list("--host");
  options.faults = arguments.text("--faults");
  if (arguments.has("--seed")) {
    options.seed = parse_u64(arguments.text("--seed"));
    if (!options.seed) return session.report(session.failure(kUsage, "--seed takes a number").error());
  }
  if (arguments.has("--memory")) {
    const auto octets = parse_octets(arguments.text("--memory"));
    constexpr std::uint64_t least = 1u << 20;
    if (!octets || *octets < least)
      return session.report(session.failure(kUsage, "--memory takes a size from 1 MiB").error());
    options.memory = *octets;
  }
  options.out = &session.out();
  options.json = session.json;
  return session.environment().sink(options);
}

} // namespace paquebot::cli
