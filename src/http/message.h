#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// HTTP/1.1 (RFC 9110, 9112) as bytes and values: no socket, no clock, no thread.
namespace paquebot::http {

/// One field line (RFC 9112 section 5). Received ones have a name in lower case and a value without white space around
/// it.
struct Field {
  std::string name;
  std::string value;

  friend bool operator==(const Field&, const Field&) = default;
};
using Fields = std::vector<Field>;

/// Why something can't be: the status that a server answers, and words of ours that repeat nothing of the input.
struct Fault {
  unsigned status = 400;
  std::string_view detail;

  friend bool operator==(const Fault&, const Fault&) = default;
};
template <class T>
using Parsed = std::expected<T, Fault>;
inline std::unexpected<Fault> fault(unsigned status, std::string_view detail) {
  return std::unexpected(Fault{status, detail});
}

/// The forms of a request target that a server can be asked with (RFC 9112 section 3.2); the fourth is CONNECT's.
enum class Form : std::uint8_t { origin, absolute, asterisk };

/// How long a message's content is (RFC 9112 section 6.3). `until_close` is of responses only.
enum class Framing : std::uint8_t { none, length, chunked, until_close };

struct Request {
  std::string method; ///< a token, case matters; one of those that the server knows
  std::string target; ///< as it came
  Form form = Form::origin;
  std::string host; ///< lower case, no port, no last dot; of the target if it names one, else Host; may be empty
  std::optional<std::uint16_t> port; ///< as the client named it
  std::string path;                  ///< decoded and free of dot segments (path.h), begins with "/"; empty for "*"
  std::string query;                 ///< behind "?", as it came; see query.h
  bool http10 = false;
  bool keep_alive = true;        ///< the client would go on after this one
  bool expects_continue = false; ///< the client waits for a word before it sends the content
  Fields fields;
  Framing framing = Framing::none;
  std::uint64_t length = 0; ///< with Framing::length

  /// The value of the first field of that name (lower case), or nothing.
  const std::string* field(std::string_view name) const;
};

/// What a server answers. `fields` holds neither framing (Content-Length, Transfer-Encoding) nor Connection nor Date:
/// these are the engine's.
struct Response {
  unsigned status = 200; ///< 200 to 599
  Fields fields;
  std::string content;                 ///< all of it, unless `streamed`
  bool streamed = false;               ///< it is asked for piece by piece
  std::optional<std::uint64_t> length; ///< of what is streamed, if it is known
  bool close = false;                  ///< the last one of this connection
};

/// The value of the first field of that name (lower case), or nothing.
const std::string* find_field(const Fields& fields, std::string_view name);
std::size_t count_fields(const Fields& fields, std::string_view name);
/// The elements of a comma-separated list over all fields of that name, trimmed, empty ones left out (RFC 9110 section
/// 5.6.1.2). For lists without quoted strings only. Views into `fields`.
std::vector<std::string_view> list_of(const Fields& fields, std::string_view name);

/// The reason phrase of RFC 9110 section 15; "Unknown" for what is not there.
std::string_view reason_of(unsigned status);
/// What programs are told for a status (docs/api.md, "Form"): "invalid", "too_large".
std::string_view code_of(unsigned status);
/// An answer that tells of a problem as JSON (RFC 9457), with `type` and `code` as the API's. `detail` may hold
/// anything.
Response problem(unsigned status, std::string_view detail);

} // namespace paquebot::http
