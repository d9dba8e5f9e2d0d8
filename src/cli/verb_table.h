#pragma once

#include "cli/verbs.h"

#include <vector>

namespace paquebot::cli {

// Rows of the table of verbs (verbs()), by what they are about, in the order in which help lists them.

std::vector<Verb> domain_verbs();
std::vector<Verb> dkim_verbs();
std::vector<Verb> alias_verbs();
std::vector<Verb> account_verbs();
/// How much an account may keep and send, and how programs use it.
std::vector<Verb> account_use_verbs();
/// Who may send and log in.
std::vector<Verb> account_access_verbs();
/// Who looks after what, and what programs ask with.
std::vector<Verb> right_verbs();
/// How people get into the console, and what was done.
std::vector<Verb> console_verbs();
/// What happens, and who is told of it.
std::vector<Verb> hook_verbs();
/// Whom programs send nothing to any more.
std::vector<Verb> suppression_verbs();
std::vector<Verb> queue_verbs();
std::vector<Verb> queue_order_verbs();
std::vector<Verb> suspension_verbs();
std::vector<Verb> site_verbs();
std::vector<Verb> provider_verbs();
std::vector<Verb> trail_verbs();
std::vector<Verb> send_verbs();
std::vector<Verb> fetch_verbs();
std::vector<Verb> import_verbs();
std::vector<Verb> sink_verbs();

// What several of them take.

inline const Option kPasswordFile{"--password-file", "FILE",
                                  "read the password from the first line of FILE (\"-\": standard input)"};
inline const Option kGenerate{"--generate", "", "make a random password and print it"};
inline const Option kYes{"--yes", "", "do not ask"};
inline const Option kLimit{"--limit", "N", "at most so many"};
inline const Option kQuiet{"--quiet", "", "no progress bar"};
inline const Positional kLogin{"LOGIN", "the account's address"};
inline const Positional kDomain{"DOMAIN", "its name"};
inline const Positional kOptionalDomain{"DOMAIN", "only this domain", Positional::Count::optional};
inline const Positional kWhich{"WHICH", "a message id, an address (sender or recipient), or a destination domain",
                               Positional::Count::optional};
inline const Option kAll{"--all", "", "everything in the queue"};

} // namespace paquebot::cli
