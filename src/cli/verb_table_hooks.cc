// Verbs about what happens, and who is told of it.

#include "cli/verb_table.h"

namespace paquebot::cli {

std::vector<Verb> hook_verbs() {
  const Positional id{"ID", "its number, as hook list tells it"};
  const Option event{"--event", "EVENT", "only these: message.failed, message.* …", true};
  const Option domain{"--domain", "DOMAIN", "only what is about this domain", true};
  return {
      {"hook add",
       "Let a URL be told what happens, signed with a secret that is shown once (docs/webhooks.md).",
       "paquebot hook add https://shop.example.org/mail --event message.failed --event message.bounced\n"
       "paquebot hook add https://example.org/in --account ann@example.org",
       {{"URL", "https://…"}},
       {event, domain, {"--account", "LOGIN", "whose it is: it is told what that account may see; without it all"}},
       hook_add,
       "hook.add"},
      {"hook list",
       "List hooks, and how they fare.",
       "paquebot hook list\npaquebot hook list ann@example.org",
       {{"LOGIN", "only this account's", Positional::Count::optional}},
       {},
       hook_list,
       "hook.list"},
      {"hook show", "Show one hook, and what failed last.", "paquebot hook show 3", {id}, {}, hook_show, "hook.show"},
      {"hook change",
       "Change where a hook leads and what it is told; --rotate gives it another secret, for a day beside the old one.",
       "paquebot hook change 3 --event message.* --domain example.org\npaquebot hook change 3 --rotate",
       {id},
       {{"--url", "URL", "another URL"}, event, domain, {"--rotate", "", "make another secret"}},
       hook_change,
       "hook.change"},
      {"hook pause", "Tell a hook nothing for a while.", "paquebot hook pause 3", {id}, {}, hook_pause},
      {"hook resume",
       "Go on telling a hook, with what happened meanwhile.",
       "paquebot hook resume 3",
       {id},
       {},
       hook_resume},
      {"hook remove", "Remove a hook.", "paquebot hook remove 3", {id}, {}, hook_remove, "hook.remove"},
      {"hook test", "Post a test to a hook.", "paquebot hook test 3", {id}, {}, hook_test, "hook.test"},
      {"hook replay",
       "Tell a hook once more what happened since a time, at most three days ago.",
       "paquebot hook replay 3 --since 2026-11-30T09:00:00Z",
       {id},
       {{"--since", "TIME", "as 2026-11-30T09:00:00Z"}},
       hook_replay,
       "hook.replay"},
      {"events",
       "Tell what happened behind an event. The first call begins: what happens from then on is written down.",
       "paquebot events\npaquebot events --after 17-0 --event message.failed",
       {},
       {{"--after", "ID", "go on behind this one, as the call before said"}, event},
       events,
       "event.list"},
  };
}

std::vector<Verb> suppression_verbs() {
  const Positional id{"ID", "its number, as suppression list tells it"};
  return {
      {"suppression list",
       "List addresses that programs send nothing to any more, and why.",
       "paquebot suppression list\npaquebot suppression list bob@far.example\n"
       "paquebot suppression list --of example.org",
       {{"ADDRESS", "only this one", Positional::Count::optional}},
       {{"--of", "WHOSE", "a login, or a domain with its accounts"}},
       suppression_list,
       "suppression.list"},
      {"suppression add",
       "Send nothing to an address any more by the API.",
       "paquebot suppression add bob@far.example --note \"asked by phone\"\n"
       "paquebot suppression add bob@far.example --of shop@example.org --until 2027-01-01T00:00:00Z",
       {{"ADDRESS", "local@domain"}},
       {{"--of", "WHOSE", "for mail of this login or domain only; without it the whole server's"},
        {"--until", "TIME", "as 2027-01-01T00:00:00Z; without it for good"},
        {"--note", "TEXT", "why"}},
       suppression_add,
       "suppression.add"},
      {"suppression show",
       "Show why an address is suppressed.",
       "paquebot suppression show 3",
       {id},
       {},
       suppression_show,
       "suppression.show"},
      {"suppression remove",
       "Let programs send to an address again.",
       "paquebot suppression remove 3",
       {id},
       {},
       suppression_remove,
       "suppression.remove"},
  };
}

} // namespace paquebot::cli
