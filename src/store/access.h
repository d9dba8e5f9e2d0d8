#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/types.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::store {

/// A browser in which somebody is logged in.
struct WebSession {
  std::string hash;         ///< SHA-256 of its cookie, which is long and random
  Id account = 0;           ///< whose; 0: an operator without an account, let in by a link that root made
  std::int64_t created = 0; ///< 0: now
  std::int64_t used = 0;    ///< when last, as use_session() was told
  std::string from;         ///< the address that it was begun from
};

/// A link that lets in once.
struct OnceLink {
  /// Numbers are stored.
  enum class Purpose : std::uint8_t {
    console = 1, ///< a session
    reset,       ///< another password
  };
  std::string hash; ///< SHA-256 of the secret in it
  Purpose purpose = Purpose::console;
  Id account = 0; ///< who it is for; 0: an operator without an account
  std::int64_t created = 0;
  std::int64_t expires = 0; ///< it works until then
};

/// What an account shows beside its password: codes by time (RFC 6238), or recovery codes.
struct SecondFactor {
  std::string secret;     ///< the key of the codes, octets
  bool confirmed = false; ///< a code was shown since: it is asked for. Else it is being set up
  std::int64_t step = 0;  ///< of time, of the last code that was taken: that one and older ones are not taken again
  std::size_t codes = 0;  ///< recovery codes that are left; filled when read
};

/// How people get at what is theirs with a browser: sessions, links and second factors. All of an account's ends with
/// it; its sessions and links also when it is disabled or gets another password.
class Access {
public:
  virtual ~Access() = default;

  /// Ends the one that was not used the longest when the account has kMostSessions. not_found when there is no such
  /// account.
  virtual Task<Result<>> add_session(WebSession session) = 0;
  virtual Task<Result<WebSession>> find_session(std::string hash) = 0;
  /// Notes that it is used; one that is over is passed over.
  virtual Task<Result<>> use_session(std::string hash, std::int64_t when) = 0;
  /// One that is over is passed over.
  virtual Task<Result<>> end_session(std::string hash) = 0;
  /// All of the account but the one with this hash: how many those were.
  virtual Task<Result<std::size_t>> end_sessions(Id account, std::string but) = 0;
  /// Of the account, the oldest first, also those that have ended by time; at most kMostSessions.
  virtual Task<Result<std::vector<WebSession>>> list_sessions(Id account) = 0;

  /// Takes the place of the one that the account has for this purpose. not_found when there is no such account.
  virtual Task<Result<>> add_link(OnceLink link) = 0;
  /// not_found also when it has expired.
  virtual Task<Result<OnceLink>> find_link(std::string hash, OnceLink::Purpose purpose) = 0;
  /// The same, and from now on there is none: of several who take it, one does.
  virtual Task<Result<OnceLink>> take_link(std::string hash, OnceLink::Purpose purpose) = 0;

  /// not_found when the account has none.
  virtual Task<Result<SecondFactor>> get_factor(Id account) = 0;
  /// One that is not confirmed yet is replaced; conflict when it is.
  virtual Task<Result<>> begin_factor(Id account, std::string secret) = 0;
  /// From now on it is asked for, and who is in without it is to be put out (Change::Kind::account_ended). `codes`:
  /// hashes of the recovery codes. conflict when it is confirmed already or its secret is another one by now.
  virtual Task<Result<>> confirm_factor(Id account, std::string secret, std::int64_t step,
                                        std::vector<std::string> codes) = 0;
  /// Takes the code of this step; conflict when that one or a later one was taken before.
  virtual Task<Result<>> use_factor(Id account, std::int64_t step) = 0;
  /// Takes a recovery code, which is gone then; not_found when there is none with that hash.
  virtual Task<Result<>> use_recovery(Id account, std::string hash) = 0;
  /// With its recovery codes. not_found when the account has none.
  virtual Task<Result<>> remove_factor(Id account) = 0;
};

inline constexpr std::size_t kMostSessions = 50; ///< of an account
/// A session ends when it was not used for so long, and so long after its beginning in any case.
inline constexpr std::int64_t kSessionIdle = 12LL * 3600 * 1000;
inline constexpr std::int64_t kSessionLife = 30LL * 24 * 3600 * 1000;

} // namespace paquebot::store
