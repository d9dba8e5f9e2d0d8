#include "sasl/secret.h"

#include <cstring>

namespace paquebot::sasl {

void wipe(std::string& text) {
  text.resize(text.capacity());
  explicit_bzero(text.data(), text.size());
  text.clear();
}

} // namespace paquebot::sasl
