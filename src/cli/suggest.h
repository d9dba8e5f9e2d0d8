#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace paquebot::cli {

/// The word that `typed` was probably meant to be: at most two letters wrong, missing, added or swapped; empty when
/// none is near.
std::string nearest(std::string_view typed, const std::vector<std::string>& words);

/// The option among `known` ("--insecure") that was probably meant: another program's word for it, or a misspelt one.
std::string option_advice(std::string_view typed, const std::vector<std::string>& known);

/// What is wrong with the verb in `words` (a command line without options): empty when there is such a verb, or none
/// was given; else a sentence with a suggestion.
std::string verb_problem(const std::vector<std::string>& words);

} // namespace paquebot::cli
