#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::doctor {

/// How a thing stands. `unknown`: it can't be seen from here, which is never taken for good.
enum class Level : std::uint8_t { good, note, unknown, warning, wrong };
/// "good", "note", "unknown", "warning", "wrong".
std::string_view name_of(Level level);

/// One record of the DNS, ready to paste.
struct Record {
  std::string name;    ///< without the final dot
  std::string type;    ///< "MX"
  std::string value;   ///< for a web form: a text in one piece, without quotes
  std::string zone;    ///< its lines in a zone file
  std::string purpose; ///< what it is for, a line
  bool operator==(const Record&) const = default;
};
/// The text is cut into strings where it must be.
Record text_record(std::string name, std::string text, std::string purpose);
/// Any other: `value` is what stands behind the type in a zone file too, where `zone_value` says nothing else.
Record plain_record(std::string name, std::string type, std::string value, std::string purpose,
                    std::string zone_value = {});

/// What a check has to say, for people: whole sentences. What came from outside in it is printable and cut.
struct Finding {
  Level level = Level::unknown;
  std::string check{};  ///< "spf": with `about` it names the finding across runs
  std::string about{};  ///< "example.org", "port 25"; empty: the server
  std::string seen{};   ///< what was seen
  std::string means{};  ///< what that means for mail; empty: nothing more is to say
  std::string advice{}; ///< what to do; empty: nothing
  std::vector<Record> records{};
};

/// The gravest of them; good when there are none.
Level worst_of(const std::vector<Finding>& findings);

} // namespace paquebot::doctor
