#pragma once

#include "cli/setup.h"

#include <iosfwd>
#include <string>

namespace paquebot::cli {

/// Who sits in front of setup: asks, or takes what is usual.
class SetupPerson {
public:
  /// `yes`: nothing is asked. Words go to `out`.
  SetupPerson(Session& session, bool yes, std::ostream& out) : session_(session), yes_(yes), out_(out) {}

  bool may_be_asked() const { return !yes_; }
  std::ostream& say() { return out_; }
  void head(const std::string& words);
  /// The line that was typed, or `usual` for an empty one, at the end of input, and where nothing is asked.
  std::string ask(const std::string& question, const std::string& usual);

  struct Password {
    std::string text;
    bool made = false; ///< at random: it has to be shown
  };
  /// Of where `source` says; else it is asked for, and made where nothing is typed or asked.
  Result<Password> choose_password(const std::string& question, const PasswordSource& source);

private:
  Session& session_;
  bool yes_;
  std::ostream& out_;
};

/// A server that takes all our mail for others; without a name: we deliver ourselves.
struct Smarthost {
  std::string server; ///< "smtp.isp.example:587"
  std::string user, password;
};

/// Whether other servers can be reached on port 25: open as soon as one of several large ones greets, blocked when all
/// that could be tried are silent.
enum class WayOut : std::uint8_t { open, blocked, unknown };
WayOut try_port_25(SetupWorld& world);

/// Tries whether mail can leave by itself, and if not asks for a provider's server and tries that. Errors: what was
/// given in `wishes` does not work.
Result<Smarthost> choose_way_out(SetupPerson& person, SetupWorld& world, Session& session, const SetupWishes& wishes);

} // namespace paquebot::cli
