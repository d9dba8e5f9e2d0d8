#include "base/text.h"
#include "cli/verbs.h"

#include <set>

namespace paquebot::cli {
namespace {

/// What may come at a place: words of a list, or one of these.
constexpr std::string_view kAccounts = "@accounts", kDomains = "@domains", kFiles = "@files";

/// First words with their summaries, each once.
std::vector<Group> first_words() {
  std::vector<Group> words(groups().begin(), groups().end());
  for (const auto& verb : verbs()) {
    if (verb.name.find(' ') == verb.name.npos) words.push_back({verb.name, verb.summary});
  }
  words.push_back({"help", "Tell of a command."});
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

/// By what a value is called in the table of verbs; empty: nobody can know what comes there.
std::string_view kind_of(std::string_view value, std::string_view values, std::string_view option = {}) {
  if (!values.empty()) return values;
  if (value == "LOGIN" || (value == "ADDRESS" && option != "--ip")) return kAccounts;
  if (value == "DOMAIN") return kDomains;
  if (value == "FILE" || value == "PATH" || value == "FOLDER") return kFiles;
  return {};
}

std::string options_of(const Verb& verb) {
  std::string text = "--config --data-dir --json --help";
  for (const auto& option : verb.options) text += " " + std::string(option.name);
  return text;
}

/// All options that take a value, with "|" between.
std::string valued_options() {
  std::set<std::string_view> all{"--config", "--data-dir"};
  for (const auto& verb : verbs())
    for (const auto& option : verb.options)
      if (!option.value.empty()) all.insert(option.name);
  std::string text;
  for (const std::string_view name : all) text += (text.empty() ? "" : "|") + std::string(name);
  return text;
}

/// "key) words=…;;" for what comes first, behind a group, at each place of a verb and behind its options. bash and zsh
/// read the same.
std::string cases() {
  std::string text = "    \":0\") words=\"" + names(first_words()) + "\" ;;\n";
  const auto add = [&text](const std::string& key, std::string_view words) {
    if (!words.empty()) text += "    " + key + ") words=\"" + std::string(words) + "\" ;;\n";
  };
  for (const auto& group : groups()) add("\"" + std::string(group.name) + ":0\"", names(second_words(group.name)));
  for (const auto& verb : verbs()) {
    const std::string name(verb.name);
    for (const auto& option : verb.options)
      add("\"" + name + " " + std::string(option.name) + "\"", kind_of(option.value, option.values, option.name));
    std::size_t at = 0;
    for (const auto& positional : verb.positionals) {
      using Count = Positional::Count;
      const bool many = positional.count == Count::any || positional.count == Count::some;
      const std::string place = many ? "\"" + name + ":\"*" : "\"" + name + ":" + std::to_string(at) + "\"";
      add(place, kind_of(positional.name, positional.values));
      ++at;
    }
  }
  return text;
}

std::string option_cases() {
  std::string text;
  for (const auto& verb : verbs())
    text += "      \"" + std::string(verb.name) + "\") words=\"" + options_of(verb) + "\" ;;\n";
  return text;
}

std::string groups_pattern() {
  std::string text;
  for (const auto& group : groups()) text += (text.empty() ? "" : "|") + std::string(group.name);
  return text;
}

/// The words are taken from the line as it was typed: bash parts them at "@" and ":" too, and gives those words back
/// so.
std::string bash() {
  return "# bash completion for paquebot; made by: paquebot completion bash\n"
         "_paquebot() {\n"
         "  local -a typed place=()\n"
         "  local line=\"${COMP_LINE:0:$COMP_POINT}\" current=\"\" verb=\"\" behind=\"\" words=\"\" at=0 i prefix "
         "flags=\"$-\"\n"
         "  set -f; typed=($line); [[ $flags == *f* ]] || set +f\n"
         "  i=$((${#typed[@]} - 1))\n"
         "  [[ $line == *[[:blank:]] ]] || { current=\"${typed[i]}\"; typed=(\"${typed[@]:0:$i}\"); }\n"
         "  for ((i = 1; i < ${#typed[@]}; i++)); do\n"
         "    case \"${typed[i]}\" in\n"
         "      " +
         valued_options() +
         ")\n"
         "        if ((i + 1 == ${#typed[@]})); then behind=\"${typed[i]}\"; fi\n"
         "        case \"${typed[i]}\" in --config|--data-dir) place+=(\"${typed[i]}\" \"${typed[i+1]}\") ;; esac\n"
         "        ((i++)) ;;\n"
         "      -*) ;;\n"
         "      *)\n"
         "        if [[ -z $verb ]]; then verb=\"${typed[i]}\"\n"
         "        elif [[ $verb != *\" \"* ]]; then case \"$verb\" in " +
         groups_pattern() +
         ") verb+=\" ${typed[i]}\" ;; *) ((at++)) ;; esac\n"
         "        else ((at++)); fi ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$verb${behind:+ $behind}\" in *\" --config\"|--config) words=@files ;; *\" --data-dir\"|--data-dir) "
         "words=@files ;; esac\n"
         "  [[ -n $behind ]] || behind=\":$at\"\n"
         "  [[ $behind == :* ]] || behind=\" $behind\"\n"
         "  if [[ -z $words ]]; then case \"$verb$behind\" in\n" +
         cases() +
         "  esac; fi\n"
         "  if [[ $current == -* && $behind == :* ]]; then\n"
         "    words=\"--config --data-dir --json --help\"\n"
         "    case \"$verb\" in\n" +
         option_cases() +
         "    esac\n"
         "  fi\n"
         "  case \"$words\" in\n"
         "    @files) COMPREPLY=($(compgen -f -- \"$current\")) ;;\n"
         "    @*) COMPREPLY=($(compgen -W \"$(\"${typed[0]}\" \"${place[@]}\" completion \"${words#@}\" 2> "
         "/dev/null)\" -- "
         "\"$current\")) ;;\n"
         "    *) COMPREPLY=($(compgen -W \"$words\" -- \"$current\")) ;;\n"
         "  esac\n"
         "  if [[ -z ${ZSH_VERSION:-} ]]; then\n"
         "    prefix=\"${current%\"${current##*[@:=]}\"}\"\n"
         "    COMPREPLY=(\"${COMPREPLY[@]#\"$prefix\"}\")\n"
         "  fi\n"
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

/// The arguments of fish's -a for a kind.
std::string fish_words(std::string_view kind) {
  if (kind.starts_with('@')) return "'(paquebot completion " + std::string(kind.substr(1)) + " 2> /dev/null)'";
  return quoted(kind);
}

/// "behind this verb", for -n.
std::string fish_condition(std::string_view verb) {
  const auto space = verb.find(' ');
  std::string text = "__fish_seen_subcommand_from " + std::string(verb.substr(0, space));
  if (space != verb.npos) text += "; and __fish_seen_subcommand_from " + std::string(verb.substr(space + 1));
  return "'" + text + "'";
}

std::string fish_verb(const Verb& verb) {
  std::string text;
  const std::string when = "complete -c paquebot -n " + fish_condition(verb.name);
  std::set<std::string_view> kinds;
  for (const auto& positional : verb.positionals) kinds.insert(kind_of(positional.name, positional.values));
  for (const std::string_view kind : kinds)
    if (!kind.empty() && kind != kFiles) text += when + " -f -a " + fish_words(kind) + "\n";
  for (const auto& option : verb.options) {
    const auto kind = kind_of(option.value, option.values, option.name);
    text += when + " -l " + std::string(option.name.substr(2)) + (option.value.empty() ? "" : " -r");
    if (!kind.empty() && kind != kFiles) text += " -f -a " + fish_words(kind);
    text += " -d " + quoted(option.help) + "\n";
  }
  return text;
}

std::string fish() {
  std::string text = "# fish completion for paquebot; made by: paquebot completion fish\n";
  for (const auto& word : first_words()) {
    text += "complete -c paquebot -n __fish_use_subcommand -f -a " + std::string(word.name) + " -d " +
            quoted(word.summary) + "\n";
  }
  for (const auto& group : groups()) {
    std::string words;
    for (const auto& word : second_words(group.name)) words += (words.empty() ? "" : " ") + std::string(word.name);
    for (const auto& word : second_words(group.name)) {
      text += "complete -c paquebot -n '__fish_seen_subcommand_from " + std::string(group.name) +
              "; and not __fish_seen_subcommand_from " + words + "' -f -a " + std::string(word.name) + " -d " +
              quoted(word.summary) + "\n";
    }
  }
  text += "complete -c paquebot -l config -r -d 'the configuration file'\n"
          "complete -c paquebot -l data-dir -r -d 'the data directory of the server to speak with'\n"
          "complete -c paquebot -l json -d 'print JSON'\n";
  for (const auto& verb : verbs()) text += fish_verb(verb);
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
