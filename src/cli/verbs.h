#pragma once

#include "cli/cli.h"
#include "cli/transport.h"

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::cli {

/// What was written behind a verb, by the names in its row of the table.
class Arguments {
public:
  bool has(const std::string& name) const { return values_.contains(name); }
  /// The (last) value, or empty.
  std::string text(const std::string& name) const;
  std::vector<std::string> list(const std::string& name) const;
  void set(const std::string& name, std::vector<std::string> values) { values_[name] = std::move(values); }

private:
  std::map<std::string, std::vector<std::string>> values_;
};

/// One run of a verb: the console, the configuration, and the way to the server, opened when first needed.
class Session {
public:
  Session(const Environment& environment, Console& console) : environment_(environment), console_(console) {}

  std::string config = kDefaultConfig;
  std::string data_dir; ///< --data-dir: goes before what the configuration says; may be empty
  bool json = false;

  const Environment& environment() const { return environment_; }
  std::istream& in() { return console_.in; }
  std::ostream& out() { return console_.out; }
  std::ostream& err() { return console_.err; }
  bool terminal() const { return console_.terminal; }

  Result<ServerPlace> place();
  /// The same, also when the configuration can't be used: for what needs no more than the store or the server that has
  /// it. It is the one in `data_dir` then, or a server that runs with the usual one, and the person is told.
  Result<ServerPlace> place_of_server();
  /// One action of the control API; `target` is percent-encoded. An error response is an Error.
  Result<json::value> call(std::string_view method, std::string_view target, std::string_view body = {});
  /// The same for a list that comes in pages: all of them as one answer. `list` is its name there.
  Result<json::value> call_list(std::string target, std::string_view list);
  /// An error whose exit code is this one, whatever its kind: report() remembers it.
  std::unexpected<Error> failure(Exit code, std::string message);
  /// Prints the error and returns its exit code.
  int report(const Error& error);
  /// What was printed has arrived: a full disk or a closed pipe shows itself only when the buffer is written.
  bool arrived();

  /// The way to the server or to the store; who `changes` nothing makes no store.
  Result<Transport*> transport(bool changes);
  /// Gives the store free, for a server that starts now; the next call looks for it.
  void leave() { transport_.reset(); }

private:
  const Environment& environment_;
  Console& console_;
  std::unique_ptr<Transport> transport_;
  bool configuration_failed_ = false;
  bool told_of_configuration_ = false;
  std::optional<Exit> code_; ///< of the error to come
};

/// A value by its place. Only the last may be optional or many.
struct Positional {
  std::string_view name; ///< "LOGIN": also its name in Arguments
  std::string_view help;
  enum class Count { one, optional, any, some } count = Count::one;
  std::string_view values = {}; ///< the words that may come, with blanks between; empty: `name` says what
};

/// An option. Without a value name it is a flag.
struct Option {
  std::string_view name;  ///< "--quota": also its name in Arguments
  std::string_view value; ///< "SIZE", or empty
  std::string_view help;
  bool many = false;            ///< may be given several times
  std::string_view values = {}; ///< the words that may come, with blanks between; empty: `value` says what
};

/// One row of the table of verbs. The parser, the help, the suggestions and the completion derive from it.
struct Verb {
  std::string_view name; ///< "account add"
  std::string_view summary;
  std::string_view examples; ///< lines
  std::vector<Positional> positionals;
  std::vector<Option> options;
  int (*run)(Session& session, const Arguments& arguments) = nullptr;
  std::string_view actions = {}; ///< ids of what it asks the server for (control/action.h), with blanks between
};

/// A group of verbs: "account".
struct Group {
  std::string_view name;
  std::string_view summary;
};

std::span<const Verb> verbs();
std::span<const Group> groups();

int serve(Session& session, const Arguments& arguments);
int check(Session& session, const Arguments& arguments);
int sink(Session& session, const Arguments& arguments);
int setup(Session& session, const Arguments& arguments);
int doctor(Session& session, const Arguments& arguments);
int verify(Session& session, const Arguments& arguments);
int store_status(Session& session, const Arguments& arguments);
int search_status(Session& session, const Arguments& arguments);
int search_rebuild(Session& session, const Arguments& arguments);
int store_copy(Session& session, const Arguments& arguments);
int node_drain(Session& session, const Arguments& arguments);
int node_list(Session& session, const Arguments& arguments);
int backup(Session& session, const Arguments& arguments);
int restore(Session& session, const Arguments& arguments);
int domain_add(Session& session, const Arguments& arguments);
int domain_list(Session& session, const Arguments& arguments);
int domain_dns(Session& session, const Arguments& arguments);
int tls_status(Session& session, const Arguments& arguments);
int tls_renew(Session& session, const Arguments& arguments);
int tls_rotate(Session& session, const Arguments& arguments);
int dkim_create(Session& session, const Arguments& arguments);
int dkim_list(Session& session, const Arguments& arguments);
int dkim_dns(Session& session, const Arguments& arguments);
int dkim_rotate(Session& session, const Arguments& arguments);
int dkim_retire(Session& session, const Arguments& arguments);
int domain_owner(Session& session, const Arguments& arguments);
int domain_remove(Session& session, const Arguments& arguments);
int account_add(Session& session, const Arguments& arguments);
int account_list(Session& session, const Arguments& arguments);
int account_show(Session& session, const Arguments& arguments);
int account_addresses(Session& session, const Arguments& arguments);
int account_passwd(Session& session, const Arguments& arguments);
int account_quota(Session& session, const Arguments& arguments);
int account_mobileconfig(Session& session, const Arguments& arguments);
int account_limit(Session& session, const Arguments& arguments);
/// The "limits" of an answer as a table.
void print_limits(std::ostream& out, const json::array& limits);
int account_suspects(Session& session, const Arguments& arguments);
int account_hold(Session& session, const Arguments& arguments);
int account_release(Session& session, const Arguments& arguments);
/// True when the person wants it. Without a terminal only --yes says so.
bool confirmed(Session& session, const Arguments& arguments, const std::string& question);
int account_disable(Session& session, const Arguments& arguments);
int account_enable(Session& session, const Arguments& arguments);
int account_remove(Session& session, const Arguments& arguments);
int account_app_password(Session& session, const Arguments& arguments);
int alias_add(Session& session, const Arguments& arguments);
int alias_senders(Session& session, const Arguments& arguments);
int alias_list(Session& session, const Arguments& arguments);
int alias_remove(Session& session, const Arguments& arguments);
int queue_list(Session& session, const Arguments& arguments);
int queue_show(Session& session, const Arguments& arguments);
int queue_retry(Session& session, const Arguments& arguments);
int queue_hold(Session& session, const Arguments& arguments);
int queue_rebind(Session& session, const Arguments& arguments);
int queue_release(Session& session, const Arguments& arguments);
int queue_suspend(Session& session, const Arguments& arguments);
int queue_suspended(Session& session, const Arguments& arguments);
int queue_resume(Session& session, const Arguments& arguments);
int queue_cancel(Session& session, const Arguments& arguments);
int queue_why(Session& session, const Arguments& arguments);
int site_list(Session& session, const Arguments& arguments);
int site_show(Session& session, const Arguments& arguments);
int site_pause(Session& session, const Arguments& arguments);
int site_resume(Session& session, const Arguments& arguments);
int site_forget(Session& session, const Arguments& arguments);
int provider_list(Session& session, const Arguments& arguments);
int provider_show(Session& session, const Arguments& arguments);
int provider_test(Session& session, const Arguments& arguments);
int provider_forget(Session& session, const Arguments& arguments);
int destinations(Session& session, const Arguments& arguments);
int trace(Session& session, const Arguments& arguments);
int send(Session& session, const Arguments& arguments);
/// With --as: by the API of the server on this machine.
int send_as(Session& session, const Arguments& arguments);
int fetch_list(Session& session, const Arguments& arguments);
int fetch_show(Session& session, const Arguments& arguments);
int fetch_save(Session& session, const Arguments& arguments);
int fetch_delete(Session& session, const Arguments& arguments);
int import_accounts(Session& session, const Arguments& arguments);
int export_mail(Session& session, const Arguments& arguments);
int import_mail(Session& session, const Arguments& arguments);
int import_imap_mail(Session& session, const Arguments& arguments);
int message_check(Session& session, const Arguments& arguments);
int block_add(Session& session, const Arguments& arguments);
int block_list(Session& session, const Arguments& arguments);
int block_remove(Session& session, const Arguments& arguments);
int allow_add(Session& session, const Arguments& arguments);
int allow_list(Session& session, const Arguments& arguments);
int allow_remove(Session& session, const Arguments& arguments);
int report_dmarc(Session& session, const Arguments& arguments);
int report_tls(Session& session, const Arguments& arguments);
int tls_explain(Session& session, const Arguments& arguments);
int status(Session& session, const Arguments& arguments);
int metrics(Session& session, const Arguments& arguments);
int dns_forget(Session& session, const Arguments& arguments);
int reload(Session& session, const Arguments& arguments);
int clock_confirm(Session& session, const Arguments& arguments);
int token_add(Session& session, const Arguments& arguments);
int token_list(Session& session, const Arguments& arguments);
int token_remove(Session& session, const Arguments& arguments);
int console_link(Session& session, const Arguments& arguments);
int account_reset_link(Session& session, const Arguments& arguments);
int account_second_factor(Session& session, const Arguments& arguments);
int account_logout(Session& session, const Arguments& arguments);
int audit(Session& session, const Arguments& arguments);
int suppression_list(Session& session, const Arguments& arguments);
int suppression_add(Session& session, const Arguments& arguments);
int suppression_show(Session& session, const Arguments& arguments);
int suppression_remove(Session& session, const Arguments& arguments);
int hook_add(Session& session, const Arguments& arguments);
int hook_list(Session& session, const Arguments& arguments);
int hook_show(Session& session, const Arguments& arguments);
int hook_change(Session& session, const Arguments& arguments);
int hook_pause(Session& session, const Arguments& arguments);
int hook_resume(Session& session, const Arguments& arguments);
int hook_remove(Session& session, const Arguments& arguments);
int hook_test(Session& session, const Arguments& arguments);
int hook_replay(Session& session, const Arguments& arguments);
int events(Session& session, const Arguments& arguments);
int right_add(Session& session, const Arguments& arguments);
int right_list(Session& session, const Arguments& arguments);
int right_remove(Session& session, const Arguments& arguments);
int api(Session& session, const Arguments& arguments);
int completion(Session& session, const Arguments& arguments);
int version(Session& session, const Arguments& arguments);

/// "bash", "zsh" or "fish": a script for that shell, made from the table.
Result<std::string> completion_script(std::string_view shell);

} // namespace paquebot::cli
