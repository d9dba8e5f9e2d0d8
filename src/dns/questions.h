#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "dns/cache.h"
#include "dns/resolver.h"
#include "dns/unbound_context.h"

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

struct ub_result;

namespace paquebot::dns {

/// A temporary failure that is nobody's but ours, such as "too many questions are under way": Answer::own_fault, not
/// kept.
Answer own_failure(std::string why);
/// A temporary failure of whoever was asked, kept for 5 seconds.
Answer failed(std::string why);

/// The questions that one libunbound context has in hand, and those that wait for their turn.
///
/// libunbound has no way to stop a question: one that nobody waits for any more, because its time is over, goes on
/// there. It still counts in what libunbound has in hand, and its answer is kept when it comes after all. At most
/// Options::at_once questions are waited for at a time, those behind stand in line; while somebody stands there, a
/// question has 2 seconds instead of Options::timeout, so that names whose servers are silent don't hold up all others.
/// Policies of DMARC
/// ("_dmarc....", TXT) have a line of their own and a quarter more places: without them nobody's mail is judged.
///
/// join(), cached() and closed() may be called from any thread, everything else on the executor of the resolver only.
class Questions {
public:
  using Shared = std::shared_ptr<const Answer>;
  /// `held_most`: questions in libunbound's hands, with those that nobody waits for any more.
  Questions(const Options& options, UnboundContext context, std::size_t held_most = 4000);
  ~Questions();

  Shared cached(const Question& question) { return cache_.find(question, system_clock().now()); }
  /// Adds a waiter. True if start() must be called for the question; false if it is under way, or if there are too many
  /// (then the waiter has its answer).
  bool join(const Question& question, const Promised<Shared>& waiter);
  /// From now on every question ends with "the server stops".
  void close() { closed_ = true; }
  bool closed() const { return closed_; }

  /// Asks what join() was told, or puts it in line.
  void start(const Question& question);
  /// Takes in what libunbound has answered.
  void process();
  /// Ends what has had its time.
  void expire();
  /// When expire() has something to do next, at the earliest; Instant::max(): never.
  Instant next_look() const;
  /// Ends all of them.
  void end_all(const std::string& why);
  int descriptor() const;

private:
  enum class Stage : std::uint8_t { fresh, in_line, asked, abandoned };
  /// libunbound holds its address while it is asked or abandoned.
  struct Entry {
    Questions* owner = nullptr;
    Question question;
    Stage stage = Stage::fresh;
    int id = 0;
    std::uint64_t serial = 0;
    Instant asked_at{};
    std::vector<Promised<Shared>> waiters;
  };
  /// Something to be done about a question at a time, unless it was asked anew since.
  struct Due {
    Instant when;
    Question question;
    std::uint64_t serial = 0;
  };

  /// What libunbound calls, from within process().
  static void answered(void* data, int error, ub_result* result);
  void finish(Entry& entry, Answer answer);
  void ask(Entry& entry);
  void give_up_waiting(Entry& entry, Answer answer);
  void leave(Entry& entry);
  bool has_room(const Question& question) const;
  bool fill_from(std::deque<Question>& line);
  const Question* first_of(std::deque<Question>& line);
  void fill();
  void hurry(Instant now);
  bool is_asked(const Due& due);
  bool somebody_in_line();
  void forget_abandoned(Instant now);
  Entry* find(const Question& question);
  Entry* find(const Due& due);
  std::vector<Promised<Shared>> take_waiters(Entry& entry, Stage stage);

  const std::chrono::milliseconds timeout_;
  const std::size_t at_once_, held_most_;
  Cache cache_;
  mutable std::mutex mutex_;
  std::atomic<bool> closed_ = false;
  std::unordered_map<Question, Entry, QuestionHash> entries_; ///< under mutex_, as are stages and waiters
  std::deque<Due> deadlines_; ///< of all that are waited for; the oldest first, as in the others
  std::deque<Due> begun_;     ///< when those asked were asked
  std::deque<Due> abandoned_;
  std::deque<Question> line_, policies_; ///< those behind the bound
  std::size_t awaited_ = 0;              ///< asked, and somebody waits
  std::size_t held_ = 0;                 ///< asked or abandoned
  std::uint64_t last_serial_ = 0;
  UnboundContext context_; ///< first to go: nothing is called back then
};

} // namespace paquebot::dns
