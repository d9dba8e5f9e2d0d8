#pragma once

#include "cli/passwords.h"
#include "cli/verbs.h"
#include "dns/resolver.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace paquebot::cli {

/// What is wished of `paquebot setup`. What is empty is asked for, or taken as it usually is.
struct SetupWishes {
  std::string address;                ///< of the first account
  std::string hostname;               ///< the name of the server
  std::vector<std::string> addresses; ///< of the server, as others see it
  std::vector<std::string> resolvers; ///< "192.0.2.53:53", for the configuration too; empty: the system's
  std::string smarthost;              ///< "smtp.isp.example:587": all mail goes out through it
  std::string smarthost_user;
  std::string smarthost_password_file;
  PasswordSource password;             ///< of the account
  bool agree_tos = false;              ///< to the terms of the authority that gives certificates
  std::string acme_directory;          ///< the URL of another authority than the usual one
  std::string acme_ca_file;            ///< who vouches for its server
  std::vector<std::string> acme_allow; ///< networks that it may be in, although they are not of the public Internet
  std::string trust_anchor;            ///< DS or DNSKEY records, of a signed zone of one's own; empty: the root's
  bool yes = false;                    ///< nothing is asked
  bool start = true;                   ///< the service
  std::chrono::seconds wait{0};        ///< at most so long for the DNS; 0: not at all
};

/// The world around, as setup sees and changes it.
class SetupWorld {
public:
  virtual ~SetupWorld() = default;
  /// The DNS, past every memory of our own.
  virtual std::shared_ptr<const dns::Answer> ask(const std::string& name, dns::Type type) = 0;
  /// Of this machine's interfaces, all of them.
  virtual std::vector<std::string> own_addresses() = 0;
  /// The name of this machine, as far as it has one.
  virtual std::string machine_name() = 0;
  /// Connects to a server for mail there and waits for its greeting; nothing is sent but QUIT.
  virtual Result<> greet(const std::string& ip, std::uint16_t port) = 0;
  /// Connects, takes TLS and logs in; nothing is sent.
  virtual Result<> try_login(const std::string& server, const std::string& user, const std::string& password) = 0;
  /// Has the service started, now and at each boot. `unsupported`: there is no systemd here.
  virtual Result<> start_service() = 0;
  virtual std::chrono::steady_clock::time_point now() = 0;
  virtual void pause(std::chrono::milliseconds time) = 0;
};

/// The real one; with the resolvers that are given, else those of the system.
std::unique_ptr<SetupWorld> real_world(const std::vector<std::string>& resolvers);

/// From a machine with the program on it to a server for a domain: writes the configuration, makes domain, account and
/// keys, tells what belongs into the DNS, starts the service, and waits until it is there. What is there already stays
/// as it is, so that it can be run again after it was broken off. Gives the exit code: kFindings when all is done here
/// but something is left for the person.
int run_setup(Session& session, SetupWishes wishes, SetupWorld& world);

} // namespace paquebot::cli
