// The only file that knows CLI11: it turns the table of verbs into a parser.
#include "cli/command_line.h"

#include "base/text.h"
#include "cli/suggest.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <map>
#include <ostream>

namespace paquebot::cli {
namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 done; 1 not done: refused, not there, or there already; 2 done, with findings; 64 wrong command\n"
    "line; 65 malformed input; 66 unreadable input; 69 the server does not answer; 73 can't write; 74 disk or\n"
    "store failed; 75 try again later; 77 not allowed; 78 configuration. See paquebot(1).";

/// What CLI11 stores while it parses one verb.
struct Binding {
  const Verb* verb = nullptr;
  CLI::App* app = nullptr;
  std::map<std::string, std::vector<std::string>> values;
  std::map<std::string, std::string> single; ///< positionals; a list would take those of its neighbours too
  std::map<std::string, bool> flags;
};

void add_positional(Binding& binding, const Positional& positional) {
  using Count = Positional::Count;
  const std::string name(positional.name);
  const std::string help(positional.help);
  const bool list = positional.count == Count::any || positional.count == Count::some;
  auto* option = list ? binding.app->add_option(name, binding.values[name], help)
                      : binding.app->add_option(name, binding.single[name], help);
  option->type_name("");
  if (positional.count == Count::any) option->expected(0, -1);
  if (positional.count == Count::some) option->expected(1, -1);
  option->required(positional.count == Count::one || positional.count == Count::some);
}

void add_option(Binding& binding, const Option& option) {
  const std::string name(option.name);
  if (option.value.empty()) {
    binding.app->add_flag(name, binding.flags[name], std::string(option.help));
    return;
  }
  auto* added = binding.app->add_option(name, binding.values[name], std::string(option.help));
  added->type_name(std::string(option.value))
      ->expected(1)
      ->allow_extra_args(false); // one value each, else it takes positionals too
  added->multi_option_policy(option.many ? CLI::MultiOptionPolicy::TakeAll : CLI::MultiOptionPolicy::TakeLast);
}

std::string footer(std::string_view examples) {
  std::string text = "Examples:";
  for (const auto line : split(examples, '\n')) text += "\n  " + std::string(line);
  return text + "\n\nEverywhere: --config FILE, --data-dir FOLDER, --json (see: paquebot --help)";
}

CLI::App* parent_of(CLI::App& root, std::string_view verb) {
  const auto space = verb.find(' ');
  if (space == verb.npos) return &root;
  const std::string name(verb.substr(0, space));
  for (auto* known : root.get_subcommands([](CLI::App*) { return true; })) {
    if (known->get_name() == name) return known;
  }
  std::string summary;
  for (const auto& group : groups()) {
    if (group.name == name) summary = group.summary;
  }
  auto* made = root.add_subcommand(name, summary);
  made->require_subcommand(1)->fallthrough();
  return made;
}

void add_verb(CLI::App& root, const Verb& verb, std::deque<Binding>& bindings) {
  auto& binding = bindings.emplace_back();
  binding.verb = &verb;
  const auto space = verb.name.find(' ');
  const std::string word(space == verb.name.npos ? verb.name : verb.name.substr(space + 1));
  binding.app = parent_of(root, verb.name)->add_subcommand(word, std::string(verb.summary));
  binding.app->fallthrough()->footer(footer(verb.examples));
  for (const auto& positional : verb.positionals) add_positional(binding, positional);
  for (const auto& option : verb.options) add_option(binding, option);
}

Arguments collect(const Binding& binding) {
  Arguments arguments;
  for (const auto& [name, values] : binding.values) {
    if (!values.empty()) arguments.set(name, values);
  }
  for (const auto& [name, value] : binding.single) {
    if (!value.empty()) arguments.set(name, {value});
  }
  for (const auto& [name, given] : binding.flags) {
    if (given) arguments.set(name, {""});
  }
  return arguments;
}

/// `paquebot help VERB` as `paquebot VERB --help`, and `paquebot --version` as `paquebot version`.
std::vector<std::string> as_verbs(const std::vector<std::string>& arguments) {
  std::vector<std::string> out = arguments;
  if (out.size() > 1 && out[1] == "help") {
    out.erase(out.begin() + 1);
    out.emplace_back("--help");
  } else if (out.size() == 2 && (out[1] == "--version" || out[1] == "-V")) {
    out[1] = "version";
  } else if (out.size() > 2 && out[1] == "tls" && !out[2].starts_with('-') && out[2].contains('.')) {
    out.insert(out.begin() + 2, "explain"); // `paquebot tls example.net` asks what is asked most
  }
  return out;
}

/// The words that are no options: where the verb is.
std::vector<std::string> words_of(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  for (std::size_t i = 1; i < arguments.size() && words.size() < 2; ++i) {
    if (arguments[i] == "--config" || arguments[i] == "--data-dir") {
      ++i;
    } else if (!arguments[i].starts_with('-')) {
      words.push_back(arguments[i]);
    } else if (arguments[i] == "--help" || arguments[i] == "-h") {
      break;
    }
  }
  return words;
}

/// What the first option that nobody knows was meant to be; empty: none, or nothing is near.
std::string advice_for(const CLI::App& app, const std::vector<std::string>& arguments) {
  std::vector<std::string> known{"--config", "--data-dir", "--json", "--help"};
  for (const auto* option : app.get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  for (std::size_t i = 1; i < arguments.size() && arguments[i] != "--"; ++i) {
    const std::string name = arguments[i].substr(0, arguments[i].find('='));
    if (!name.starts_with('-') || std::ranges::find(known, name) != known.end()) continue;
    const std::string meant = option_advice(name, known);
    return meant.empty() ? meant : "; did you mean " + meant + "?";
  }
  return {};
}

int usage_error(Session& session, const CLI::App& root, const CLI::ParseError& error,
                const std::vector<std::string>& arguments) {
  const CLI::App* app = &root;
  std::string command = "paquebot";
  for (auto parsed = app->get_subcommands(); !parsed.empty(); parsed = app->get_subcommands()) {
    app = parsed.front();
    command += " " + app->get_name();
  }
  const bool unknown = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  session.err() << "paquebot: " << printable(error.what(), 512) << (unknown ? advice_for(*app, arguments) : "")
                << "\nTry: " << command << " --help\n";
  return kUsage;
}

} // namespace

int run_command_line(const std::vector<std::string>& given, Session& session) {
  const std::vector<std::string> arguments = as_verbs(given);
  if (const auto problem = verb_problem(words_of(arguments)); !problem.empty()) {
    session.err() << "paquebot: " << problem << '\n';
    return kUsage;
  }
  CLI::App root("Paquebot, a complete mail server.", "paquebot");
  root.require_subcommand(1)->fallthrough();
  root.get_formatter()->label("REQUIRED", "");
  root.footer("Called as sendmail, mailq or newaliases (or as `paquebot sendmail`) it behaves like those.\n\n" +
              std::string(kExitCodes));
  root.add_option("--config", session.config, "the configuration file")
      ->type_name("FILE")
      ->envname("PAQUEBOT_CONFIG")
      ->capture_default_str();
  root.add_option("--data-dir", session.data_dir,
                  "the data directory of the server to speak with, instead of the one in the configuration")
      ->type_name("FOLDER");
  root.add_flag("--json", session.json, "print JSON");
  std::deque<Binding> bindings;
  for (const auto& verb : verbs()) add_verb(root, verb, bindings);
  try {
    // CLI11 takes them from the back, without the program's name.
    root.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend() - 1));
  } catch (const CLI::CallForHelp& help) {
    return root.exit(help, session.out(), session.err());
  } catch (const CLI::ParseError& error) {
    return usage_error(session, root, error, arguments);
  }
  for (const auto& binding : bindings) {
    if (binding.app->parsed()) return binding.verb->run(session, collect(binding));
  }
  return kUsage;
}

} // namespace paquebot::cli
