#include "cli/suggest.h"

#include "base/text.h"
#include "cli/verbs.h"

#include <algorithm>

namespace paquebot::cli {
namespace {

/// Edits between two words, swapped neighbours counting as one (Damerau's optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t changed = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, changed});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

/// First words of all verbs, or the second ones of a group.
std::vector<std::string> words_after(std::string_view group) {
  std::vector<std::string> words;
  for (const auto& verb : verbs()) {
    const auto parts = split(verb.name, ' ');
    if (group.empty()) {
      if (std::ranges::find(words, parts[0]) == words.end()) words.emplace_back(parts[0]);
    } else if (parts.size() == 2 && parts[0] == group) {
      words.emplace_back(parts[1]);
    }
  }
  if (group.empty()) words.emplace_back("sendmail");
  return words;
}

/// Words of other programs, and ours for them; only where the second is one of the words that may come there.
struct Synonym {
  std::string_view typed, meant;
};
constexpr Synonym kSynonyms[] = {
    {"delete", "remove"},
    {"del", "remove"},
    {"rm", "remove"},
    {"purge", "cancel"},
    {"delete", "cancel"},
    {"drop", "cancel"},
    {"create", "add"},
    {"new", "add"},
    {"new", "create"},
    {"make", "create"},
    {"make", "add"},
    {"ls", "list"},
    {"all", "list"},
    {"flush", "retry"},
    {"run", "retry"},
    {"kick", "retry"},
    {"requeue", "retry"},
    {"deliver", "retry"},
    {"freeze", "hold"},
    {"pause", "hold"},
    {"thaw", "release"},
    {"resume", "release"},
    {"unhold", "release"},
    {"info", "show"},
    {"view", "show"},
    {"cat", "show"},
    {"get", "show"},
    {"password", "passwd"},
    {"pass", "passwd"},
    {"lock", "disable"},
    {"suspend", "disable"},
    {"unlock", "enable"},
    {"limits", "limit"},
    {"records", "dns"},
    {"zone", "dns"},
    {"generate", "create"},
    {"add", "create"},
    {"start", "serve"},
    {"run", "serve"},
    {"daemon", "serve"},
    {"user", "account"},
    {"users", "account list"},
    {"mailbox", "account"},
    {"mailq", "queue list"},
    {"flush", "queue retry --all"},
    {"test", "check"},
    {"configtest", "check"},
    {"info", "status"},
    {"stats", "status"},
    {"log", "trace"},
    {"spool", "queue"},
    {"passwd", "account passwd"},
    {"adduser", "account add"},
    {"useradd", "account add"},
    {"dump", "backup"},
    {"import", "import mail"},
    {"archive", "export"},
    {"whitelist", "allow"},
    {"blacklist", "block"},
    {"ban", "block"},
    {"mail", "send"},
};

std::string synonym_of(std::string_view typed, const std::vector<std::string>& known) {
  for (const auto& [word, meant] : kSynonyms) {
    const std::string first(meant.substr(0, meant.find(' ')));
    if (iequals(typed, word) && std::ranges::find(known, first) != known.end()) return std::string(meant);
  }
  return {};
}

std::string problem_of(const std::string& typed, const std::vector<std::string>& known, std::string_view group) {
  if (std::ranges::find(known, typed) != known.end()) return {};
  if (group.empty() && (typed == "restart" || typed == "stop")) {
    return "the server is started and stopped by whoever runs it: systemctl " + typed +
           " paquebot, or a SIGTERM to its process; to read the configuration again: paquebot reload";
  }
  const std::string before = group.empty() ? "paquebot" : "paquebot " + std::string(group);
  std::string text = "there is no command \"" + before.substr(std::min<std::size_t>(before.size(), 9)) +
                     (group.empty() ? "" : " ") + printable(typed, 64) + "\"";
  std::string guess = synonym_of(typed, known);
  if (guess.empty()) guess = nearest(typed, known);
  if (!guess.empty()) return text + "; did you mean: " + before + " " + guess;
  return text + " (see: " + before + " --help)";
}

} // namespace

std::string nearest(std::string_view typed, const std::vector<std::string>& words) {
  if (typed.size() > 32) return {};
  std::string best;
  std::size_t least = 3;
  for (const auto& word : words) {
    const auto edits = distance(to_lower(typed), word);
    // Two wrong letters of a word of three make another word.
    if (edits < least && edits < word.size() - 1) {
      least = edits;
      best = word;
    }
  }
  return best;
}

std::string option_advice(std::string_view typed, const std::vector<std::string>& known) {
  constexpr Synonym kOptions[] = {
      {"--no-verify", "--insecure"},
      {"--noverify", "--insecure"},
      {"-k", "--insecure"},
      {"--no-check-certificate", "--insecure"},
      {"--ssl", "--tls"},
      {"--starttls", "--tls"},
      {"--host", "--server"},
      {"--login", "--user"},
      {"--username", "--user"},
      {"-u", "--user"},
      {"--password", "--password-file"},
      {"-p", "--password-file"},
      {"--body", "--text"},
      {"--message", "--text"},
      {"--attachment", "--attach"},
      {"--dir", "--folder"},
      {"--directory", "--folder"},
      {"--output", "--folder"},
      {"--force", "--yes"},
      {"-y", "--yes"},
      {"--confirm", "--yes"},
      {"-q", "--quiet"},
      {"--silent", "--quiet"},
      {"--ca", "--ca-file"},
      {"--count", "--limit"},
      {"-n", "--limit"},
      {"--max", "--limit"},
  };
  const std::string name(typed.substr(0, typed.find('=')));
  for (const auto& [word, meant] : kOptions)
    if (name == word && std::ranges::find(known, meant) != known.end()) return std::string(meant);
  return nearest(name, known);
}

std::string verb_problem(const std::vector<std::string>& words) {
  if (words.empty()) return {};
  if (auto problem = problem_of(words[0], words_after({}), {}); !problem.empty()) return problem;
  const auto seconds = words_after(words[0]);
  return seconds.empty() || words.size() < 2 ? std::string() : problem_of(words[1], seconds, words[0]);
}

} // namespace paquebot::cli
