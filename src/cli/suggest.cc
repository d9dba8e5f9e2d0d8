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

std::string problem_of(const std::string& typed, const std::vector<std::string>& known, std::string_view group) {
  if (std::ranges::find(known, typed) != known.end()) return {};
  const std::string before = group.empty() ? "paquebot" : "paquebot " + std::string(group);
  std::string text = "there is no command \"" + before.substr(std::min<std::size_t>(before.size(), 9)) +
                     (group.empty() ? "" : " ") + printable(typed, 64) + "\"";
  const std::string guess = nearest(typed, known);
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

std::string verb_problem(const std::vector<std::string>& words) {
  if (words.empty()) return {};
  if (auto problem = problem_of(words[0], words_after({}), {}); !problem.empty()) return problem;
  const auto seconds = words_after(words[0]);
  return seconds.empty() || words.size() < 2 ? std::string() : problem_of(words[1], seconds, words[0]);
}

} // namespace paquebot::cli
