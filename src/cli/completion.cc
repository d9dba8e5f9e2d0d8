#include "base/text.h"
#include "cli/verbs.h"

#include <algorithm>
#include <set>

namespace paquebot::cli {
namespace {

/// First words with their summaries, each once.
std::vector<Group> first_words() {
  std::vector<Group> words(groups().begin(), groups().end());
  for (const auto& verb : verbs()) {
    if (verb.name.find(' ') == verb.name.npos) words.push_back({verb.name, verb.summary});
  }
  return words;
}

std::vector<Group> second_words(std::string_view group) {
  std::vector<Group> words;
  for (const auto& verb : verbs()) {
    if (verb.name.starts_with(group) && verb.name.substr(group.size()).starts_with(' ')) {
      words.push_back({verb.name.substr(group.size() + 1), verb.summary});
    }
  }
  return words;
}

std::string names(const std::vector<Group>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + std::string(word.name);
  return text;
}

std::string options_of(const Verb& verb) {
  std::string text = "--config --json --help";
  for (const auto& option : verb.options) text += " " + std::string(option.name);
  return text;
}

/// One line of "verb) words=…;;" for each verb and group: bash and zsh read the same.
std::string cases() {
  std::string text;
  for (const auto& group : groups()) {
    text += "    \"" + std::string(group.name) + "\") words=\"" + names(second_words(group.name)) + "\" ;;\n";
  }
  for (const auto& verb : verbs())
    text += "    \"" + std::string(verb.name) + "\") words=\"" + options_of(verb) + "\" ;;\n";
  return text;
}

std::string groups_pattern() {
  std::string text;
  for (const auto& group : groups()) text += (text.empty() ? "" : "|") + std::string(group.name);
  return text;
}

std::string bash() {
  return "# bash completion for paquebot; made by: paquebot completion bash\n"
         "_paquebot() {\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\" verb=\"\" words=\"\" "
         "i\n"
         "  case \"$previous\" in\n"
         "    --config|--password-file|--ca-file|--text-file|--html-file|--attach|--folder) COMPREPLY=($(compgen -f -- "
         "\"$current\")); return ;;\n"
         "  esac\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case \"${COMP_WORDS[i]}\" in\n"
         "      --config) ((i++)) ;;\n"
         "      -*) ;;\n"
         "      *)\n"
         "        if [[ -z $verb ]]; then verb=\"${COMP_WORDS[i]}\"\n"
         "        elif [[ $verb != *\" \"* ]]; then case \"$verb\" in " +
         groups_pattern() +
         ") verb+=\" ${COMP_WORDS[i]}\" ;; esac; fi ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$verb\" in\n"
         "    \"\") words=\"" +
         names(first_words()) + " --config --json --help\" ;;\n" + cases() +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "  if [[ ${#COMPREPLY[@]} -eq 0 && $current != -* ]]; then COMPREPLY=($(compgen -f -- \"$current\")); fi\n"
         "}\n"
         "complete -F _paquebot paquebot\n";
}

std::string zsh() { return "#compdef paquebot\nautoload -U +X bashcompinit && bashcompinit\n" + bash(); }

/// A text within single quotes of fish.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish() {
  std::string text = "# fish completion for paquebot; made by: paquebot completion fish\n";
  for (const auto& word : first_words()) {
    text += "complete -c paquebot -n __fish_use_subcommand -f -a " + std::string(word.name) + " -d " +
            quoted(word.summary) + "\n";
  }
  for (const auto& group : groups()) {
    for (const auto& word : second_words(group.name)) {
      text += "complete -c paquebot -n '__fish_seen_subcommand_from " + std::string(group.name) + "' -f -a " +
              std::string(word.name) + " -d " + quoted(word.summary) + "\n";
    }
  }
  std::set<std::string> seen{"--config", "--json"};
  text +=
      "complete -c paquebot -l config -r -d 'the configuration file'\ncomplete -c paquebot -l json -d 'print JSON'\n";
  for (const auto& verb : verbs()) {
    const std::string first(verb.name.substr(0, verb.name.find(' ')));
    for (const auto& option : verb.options) {
      if (!seen.insert(first + std::string(option.name)).second) continue;
      text += "complete -c paquebot -n '__fish_seen_subcommand_from " + first + "' -l " +
              std::string(option.name.substr(2)) + (option.value.empty() ? "" : " -r") + " -d " + quoted(option.help) +
              "\n";
    }
  }
  return text;
}

} // namespace

Result<std::string> completion_script(std::string_view shell) {
  if (shell == "bash") return bash();
  if (shell == "zsh") return zsh();
  if (shell == "fish") return fish();
  return fail(Errc::invalid, "completion is there for bash, zsh and fish");
}

} // namespace paquebot::cli
