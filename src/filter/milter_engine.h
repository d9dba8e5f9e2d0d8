#pragma once

#include "filter/filter.h"
#include "filter/milter_wire.h"

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <variant>

namespace paquebot::filter::milter {

/// Write these octets; a view until the next input.
struct Send {
  std::string_view bytes;
};
/// Read and feed().
struct NeedInput {};
/// The filter works: give it another while.
struct Progress {};
struct AddRecipient {
  mail::Address address;
};
struct RemoveRecipient {
  mail::Address address;
};
struct NewSender {
  mail::Address address;
};
/// The next piece of another body; a view until the next input.
struct BodyPiece {
  std::string_view bytes;
};
struct Hold {
  std::string reason;
};
/// The question is answered.
struct Done {
  Verdict verdict;
};
/// It broke the protocol: close.
struct Broken {
  Error why;
};
using Action = std::variant<Send, NeedInput, Progress, HeadChange, AddRecipient, RemoveRecipient, NewSender, BodyPiece,
                            Hold, Done, Broken>;

/// Our side of one connection to a milter: bytes and questions in, actions out; no socket, no clock. Ask one question
/// at a time and perform next() until Done or Broken. What the filter did not want to be asked is Done at once.
class Engine {
public:
  /// `name` of the filter, for replies' causes. `max_new_body`: octets of a replaced body at most.
  Engine(std::string name, std::uint64_t max_new_body) : name_(std::move(name)), max_new_body_(max_new_body) {}

  /// Negotiates: the first question.
  void negotiate();
  void connect(const Client& client);
  void helo(const Client& client);
  /// A message begins; ends the one before.
  void mail(const Client& client, const mail::Sender& sender);
  void recipient(const mail::Recipient& recipient);
  /// The id of the message, as the macro "i" from here on.
  void set_id(const std::string& id) { macros_["i"] = id; }
  void data();
  /// Fields without a name (malformed lines) must be left out.
  void header(const mail::Field& field);
  void end_of_header();
  /// At most kChunk octets.
  void body(std::string_view chunk);
  void end_of_message();
  /// No question: what is to be said at the end.
  std::string goodbye() const;

  /// The filter has said all that it wants to of this message; nothing more needs to be asked.
  bool satisfied() const { return accepted_ != Scope::nothing; }
  bool wants_header() const { return (steps_ & kNoHeaders) == 0 && !satisfied(); }
  bool wants_body() const { return (steps_ & kNoBody) == 0 && !skip_body_ && !satisfied(); }

  void feed(std::string_view bytes);
  Action next();

private:
  enum class Stage : std::uint8_t { connect, helo, mail, recipient, data, header, end_of_header, body, end, negotiate };
  enum class Scope : std::uint8_t { nothing, message, session };
  struct Row;
  static const Row& row_of(Stage stage);

  void ask(Stage stage, std::string_view data);
  void add_macros(Stage stage);
  Action handle(const Packet& packet);
  Action negotiated(const Packet& packet);
  Action change(const Packet& packet);
  Action change_header(const Packet& packet, std::uint32_t right);
  Action verdict(const Packet& packet);
  Action done(Verdict::Kind kind, mail::Reply reply = {});
  Action broken(std::string why);
  bool may(std::uint32_t action) const { return stage_ == Stage::end && (actions_ & action) != 0; }
  bool may_change_more(std::size_t octets) {
    change_octets_ += octets;
    return ++changes_ <= kMostChanges && change_octets_ <= kMostChangeOctets;
  }

  static constexpr std::size_t kMostChanges = 5000;
  static constexpr std::size_t kMostChangeOctets = 2u << 20; ///< without the body

  std::string name_;
  std::uint64_t max_new_body_;
  std::map<std::string, std::string, std::less<>> macros_;
  std::array<std::string, 7> chosen_; ///< names of macros that the filter asked for, by its number of the step
  std::uint32_t actions_ = 0, steps_ = 0;
  Stage stage_ = Stage::negotiate;
  bool waiting_ = false; ///< for an answer
  bool failed_ = false;
  bool in_message_ = false;
  bool skip_body_ = false;
  Scope accepted_ = Scope::nothing;
  std::size_t changes_ = 0, change_octets_ = 0;
  std::uint64_t new_body_ = 0;
  std::string out_, sent_, in_;
  std::string_view rest_; ///< of in_
};

} // namespace paquebot::filter::milter
