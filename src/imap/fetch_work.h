#pragma once

#include "imap/fetch_items.h"
#include "imap/message_reader.h"
#include "imap/server_impl.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::imap {

/// One FETCH. What it writes goes on at the item where it had to ask for something.
struct ServerSession::Fetcher::Work {
  explicit Work(Impl& s)
      : session(s), reader([&s](AskBody question, std::function<void(Piece&)> then) {
          s.ask_for<Piece>(std::move(question), std::move(then));
        }) {}

  enum class Stage : std::uint8_t { begin, measure, write };

  void go();
  void since(std::int64_t modseq, bool vanished, UidSet asked);
  void load();
  void load_rows();
  void loaded(Contents& answer);
  void mark_seen();
  bool message();
  bool item(const FetchItem& one);
  bool section(const FetchItem& one);
  bool binary(const FetchItem& one);
  bool begin_binary(const FetchItem& one);
  bool preview(const FetchItem& one);
  bool locate(const FetchItem& one);
  bool write_range();
  bool collect(std::string& into);
  void simple(const FetchItem& one, const Row& row);
  void end();
  void cut_off();

  Impl& session;
  MessageReader reader;
  std::vector<FetchItem> items;
  bool content = false, structure = false, seen = false, has_flags = false, has_modseq = false;
  UidSet todo;
  std::vector<std::uint32_t> asked;
  std::deque<Content> waiting;
  UidSet marked;        ///< \Seen was set just now
  bool missing = false; ///< contents that are gone
  bool untold = false;  ///< rows that are gone; what the client holds numbers for is told with its next command
  Fault fault = Fault::none;

  // Of the message under way.
  bool reading = false, begun = false;
  std::size_t next_item = 0;
  Stage stage = Stage::begin;
  std::uint64_t from = 0, to = 0, at = 0; ///< of what is written
  std::string text;                       ///< instead of a range
  std::optional<PartDecoder> decoder;
  PartDecoder::Encoding encoding{};
  std::uint64_t passed = 0, window_from = 0, window_to = 0; ///< of what is decoded
  std::function<void()> resume = [this] { go(); };
};

} // namespace paquebot::imap
